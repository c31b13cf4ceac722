"""One file for each reach into Gradio's inside, with the version it was seen in."""
