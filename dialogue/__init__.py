"""What a dialogue is, how it is read, written and converted: the ground floor, which imports nothing of ours."""
