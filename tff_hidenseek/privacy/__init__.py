"""What hides a client's upload: coins, noise, and sums without shares."""
