"""What people see of an evaluation: tables and bars on the terminal, the style of figures."""
