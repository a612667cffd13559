"""What the local server costs, and what several clients at once bring.

    server.py MODEL.gguf [--program build/foreword] [--rounds 3]

One client after the other asks the same program: through HTTP and, as the engine itself counts, without it. Then several at once, each with a
prompt of its own; tokens of all of them in a second, beside one's.
"""

import argparse
import http.client
import json
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

# Any tokens, so that every answer reaches its limit.
ENDLESS = {"temperature": 10, "top_k": 0, "top_p": 1, "min_p": 0}
TOKENS = 64


class Client:
    def __init__(self, told):
        self.host = told["url"].removeprefix("http://").split("/")[0]
        self.headers = {"Authorization": f"Bearer {told['key']}"}

    def stream(self, prompt, seed):
        """Seconds to the first piece and to the end, and the engine's timings."""
        connection = http.client.HTTPConnection(self.host, timeout=600)
        begin = time.monotonic()
        body = {"prompt": prompt, "max_tokens": TOKENS, "seed": seed, "stream": True, **ENDLESS}
        connection.request("POST", "/v1/completions", json.dumps(body), self.headers)
        first, timings = None, None
        for line in connection.getresponse():
            if first is None and line.startswith(b"data: "):
                first = time.monotonic() - begin
            if b'"timings"' in line:
                timings = json.loads(line[6:])["timings"]
        connection.close()
        return first, time.monotonic() - begin, timings


def together(client, n, seed):
    """Tokens of all in a second."""
    threads = [threading.Thread(target=client.stream, args=(f"Chapter {i}. It was", seed + i)) for i in range(n)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return n * TOKENS / (time.monotonic() - begin)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model")
    options.add_argument("--program", default=str(Path(__file__).resolve().parents[2] / "build" / "foreword"))
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([options.program, "serve", "-m", options.model, "--port", "0", "--json", "--draft", "off", "--data-dir", folder],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        client = Client(json.loads(server.stdout.readline()))
        client.stream("Warm up", 0)
        rows = []
        for i in range(options.rounds):
            first, whole, timings = client.stream(f"The year {1900 + i} began", i)
            inside = (timings["prompt_ms"] + timings["predicted_ms"]) / 1000
            rows.append((1000 * first - timings["prompt_ms"], 100 * (whole / inside - 1), *(together(client, n, 100 * i) for n in (1, 2, 4))))
        server.terminate()
        server.wait()
        server.stdout.close()
    print("| first piece behind the prompt's last row, ms | whole answer beside the engine's own time | 1 client, tokens/s | 2 | 4 |\n|---|---|---|---|---|")
    first, more, one, two, four = (statistics.median(column) for column in zip(*rows))
    print(f"| {first:.1f} | +{more:.1f} % | {one:.1f} | {two:.1f} ({two / one:.2f} times) | {four:.1f} ({four / one:.2f} times) |")


if __name__ == "__main__":
    main()
