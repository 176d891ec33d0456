"""The floors: python -m benchmarks.floors [--torch] [--answer FILE] serves a gradio page with next to nothing in it.

--torch: torch is imported before it is served. --answer: its endpoint /muddle gives back what is in the JSON file, in
no time at all.
"""

import argparse
import json
import sys
import time
from pathlib import Path


def main() -> int:
    """Serves until it is interrupted."""
    p = argparse.ArgumentParser("python -m benchmarks.floors", description=__doc__)
    p.add_argument("--torch", action="store_true")
    p.add_argument("--answer", type=Path)
    options = p.parse_args()
    import gradio as gr

    if options.torch:
        import torch  # noqa: F401
    answer = json.loads(options.answer.read_text()) if options.answer else {}

    def muddle(
        digit: int, target: int | None = None, strategy: str = "balanced", steps: int = 11, seed: int = 0
    ) -> dict | str:
        return answer

    with gr.Blocks(analytics_enabled=False) as page:
        answered = gr.HTML("nothing", elem_id="answer")
        gr.Button("Muddle", elem_id="again").click(lambda: str(time.time_ns()), None, answered)
        gr.api(muddle, api_name="muddle", concurrency_limit=None)
    page.queue(default_concurrency_limit=None).launch(enable_monitoring=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
