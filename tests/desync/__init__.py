"""The sixteen ways in which one-stop software falls out of step: each shown with a naive sender, then with ours."""
