"""The algorithms that HideNseek is compared with."""
