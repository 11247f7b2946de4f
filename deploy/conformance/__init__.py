"""What an adapter has to do, judged from outside: by the exchange ledger, the sandbox and the recorded traffic."""
