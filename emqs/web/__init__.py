"""The server: accounts and rights, and one router per noun; it computes nothing itself."""
