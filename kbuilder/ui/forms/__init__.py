"""Forms made from parameter specifications."""
