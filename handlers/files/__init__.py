"""What lies elsewhere: files and addresses of strangers."""
