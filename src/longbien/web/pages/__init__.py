"""The shell's pages: sign-in, today, search, the chart and what is written on it. Departments bring their own."""
