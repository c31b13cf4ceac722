"""The page on a local port, or on a Hugging Face Space: ``python app.py``. PORT and HOST say where it listens."""

from resnet_demo.page import serve

if __name__ == "__main__":
    serve()
