"""The pure rules of workflow: routes as data, the states of a leg, the planner, the diagram."""
