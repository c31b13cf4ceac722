"""Pictures in and out: decoding what people upload, drawing what they get."""
