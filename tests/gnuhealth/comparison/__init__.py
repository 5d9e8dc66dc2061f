"""The gateway beside what hospitals have today: building blocks of the command `beside`."""
