"""What tests share: tools.py finds programs and runs them, guest.py builds guests."""
