"""The four services of Liên Thông; none imports another."""
