"""A search page on http://localhost, and the https host of the pictures it shows."""

import contextlib
import io
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image


def make_certificate(folder):
    """Signs a certificate for localhost by itself; one file with its key."""
    path = folder / "localhost.pem"
    key = folder / "localhost.key"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    command += " -addext subjectAltName=DNS:localhost"
    subprocess.run(
        [*command.split(), "-keyout", key, "-out", path],
        check=True,
        capture_output=True,
    )
    return path, key


def trust(certificate):
    """Variables for clients of a server with this certificate."""
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    trusted = dict.fromkeys(names, str(certificate[0]))
    return {**trusted, "NO_PROXY": "localhost", "no_proxy": "localhost"}


class SearchServer:
    """Plays the search engine and the hosts of pictures.

    Attributes:
        answers: Lists of status, headers and body by path, of the pictures' host;
            the last is given again and again.
        pages: Pages by query.
        pause: Seconds before each picture.
        asked: Paths with queries of all requests, in order.
        certificate: What a client has to trust.
    """

    def __init__(self, certificate, key):
        self.answers, self.pages, self.asked = {}, {}, []
        self.certificate, self.pause = certificate, 0
        self.stopped = threading.Event()
        handler = self.make_handler()
        self.search = ThreadingHTTPServer(("localhost", 0), handler)
        self.host = ThreadingHTTPServer(("localhost", 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.host.socket = context.wrap_socket(self.host.socket, server_side=True)
        self.servers = [self.search, self.host]

    def make_handler(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                parts = urlsplit(self.path)
                if parts.path == "/search":
                    query = parse_qs(parts.query)["q"][0]
                    page = outer.pages.get(query, "")
                    if page == "hang":
                        outer.stopped.wait()
                    answer = (
                        200,
                        {"Content-Type": "text/html; charset=utf-8"},
                        page.encode(),
                    )
                else:
                    outer.stopped.wait(outer.pause)
                    answers = outer.answers.get(self.path, [(404, {}, b"")])
                    answer = answers.pop(0) if len(answers) > 1 else answers[0]
                status, headers, body = answer
                with contextlib.suppress(OSError):  # whoever asked may be gone
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    @property
    def page_url(self):
        return f"http://localhost:{self.search.server_port}/search"

    def url(self, path):
        return f"https://localhost:{self.host.server_port}{path}"

    def put(self, path, body, status=200, **headers):
        """Hosts a file; returns its address."""
        self.answers.setdefault(path, []).append((status, headers, body))
        return self.url(path)

    def show(self, query, records):
        """Makes the page for a query of its records."""
        script = ",".join(records)
        self.pages[query] = f"<html><body><script>a=[{script}]</script></body></html>"

    def __enter__(self):
        for server in self.servers:
            threading.Thread(
                target=server.serve_forever, args=[0.05], daemon=True
            ).start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()


def record(url, page="", title="", number=0):
    """Writes what the script of a result page holds for one picture."""
    thumbnail = f'["https://encrypted-tbn0.gstatic.com/images?q\\u003d{number}",90,90]'
    origin = f'{{"2003":[null,"id{number}","{page}","{title}",null,0]}}'
    return f'[0,"id{number}",{thumbnail},["{url}",300,400],null,0,"",null,0,{origin}]'


def draw(seed):
    """A cut-out with a soft disc, as PNG."""
    rows, columns = np.indices((320, 320)) - 160
    alpha = np.clip(150 - np.hypot(rows, columns), 0, 10) * 25.5
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3))
    colours = np.kron(noise, np.ones((40, 40, 1)))
    file = io.BytesIO()
    rgba = np.dstack([colours, alpha]).round().astype(np.uint8)
    Image.fromarray(rgba).save(file, "PNG")
    return file.getvalue()
