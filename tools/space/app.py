"""The page of `srhelpers app` as a Hugging Face Space: its README.md says how to make one of this folder."""

from srhelpers import app

if __name__ == "__main__":
    app.launch(host="0.0.0.0", port=7860)  # where Spaces look for it
