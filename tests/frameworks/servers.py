"""The servers that are tried: how each is started, with the tiny app of apps/, and what it needs.

A command is what a Dockerfile would say: the server binds its port itself and knows nothing of a sidecar.
"""

import dataclasses
import pathlib
import subprocess

APPS = pathlib.Path(__file__).parent / "apps"
MODULES = "/usr/lib/python3/dist-packages"
SLOW_BYTES = 24 * 1024  # what apps/nginx.conf and apps/lighttpd.conf send in more than two seconds


@dataclasses.dataclass(frozen=True)
class Server:
    """One row. In `command`, in files of apps/ and in `environment` stand @PORT@, @VERSION@ and @SCRATCH@."""

    name: str
    title: str
    command: tuple  #: what stands after `midair-sidecar run ... --`
    files: tuple  #: of apps/, which make its release
    needs: tuple  #: paths without which it can't be tried
    package: str  #: of Debian, whose version is reported
    options: tuple = ()  #: pairs: of the sidecar, that it needs
    environment: tuple = ()  #: pairs
    settings: tuple = ()  #: pairs: further words to replace in its files
    build: tuple = ()  #: a command that makes the program, once, in a directory with its files
    note: str = ""  #: for whoever uses it

    def missing(self):
        """What it lacks on this machine; empty if it can be tried."""
        return [path for path in self.needs if not pathlib.Path(path).exists()]

    def version(self):
        """Upstream's version of what is installed, or empty."""
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", self.package], capture_output=True, text=True,
                              check=False)
        return done.stdout.split(":")[-1].split("-")[0].split("+")[0]


def python(name, title, command, package, needs, files=("wsgi.py",), **further):
    return Server(name, title, command, files, needs, package, **further)


GUNICORN = ("gunicorn", "-b", "0.0.0.0:@PORT@")
PUMA = {"files": ("config.ru",), "needs": ("/usr/bin/puma",), "package": "puma"}
NODE = {"files": ("server.js",), "needs": ("/usr/bin/node",), "package": "nodejs"}
NGINX = {"command": ("nginx", "-p", ".", "-c", "nginx.conf", "-g", "daemon off;"), "files": ("nginx.conf",),
         "needs": ("/usr/sbin/nginx",), "package": "nginx-light", "options": (("--stop-signal", "QUIT"),)}

SERVERS = (
    python("gunicorn-sync", "gunicorn", (*GUNICORN, "-w", "4", "wsgi:app"), "gunicorn", ("/usr/bin/gunicorn",)),
    python("gunicorn-gthread", "gunicorn, gthread",
           (*GUNICORN, "-k", "gthread", "-w", "2", "--threads", "8", "wsgi:app"), "gunicorn", ("/usr/bin/gunicorn",)),
    python("gunicorn-uvicorn", "gunicorn, uvicorn's worker",
           (*GUNICORN, "-k", "uvicorn.workers.UvicornWorker", "-w", "2", "asgi:app"), "gunicorn",
           ("/usr/bin/gunicorn", f"{MODULES}/uvicorn"), files=("asgi.py",)),
    python("uvicorn", "uvicorn", ("uvicorn", "--host", "0.0.0.0", "--port", "@PORT@", "asgi:app"), "uvicorn",
           ("/usr/bin/uvicorn",), files=("asgi.py",)),
    python("uvicorn-workers", "uvicorn, two workers",
           ("uvicorn", "--host", "0.0.0.0", "--port", "@PORT@", "--workers", "2", "asgi:app"), "uvicorn",
           ("/usr/bin/uvicorn",), files=("asgi.py",)),
    python("hypercorn", "hypercorn", ("hypercorn", "-b", "0.0.0.0:@PORT@", "asgi:app"), "python3-hypercorn",
           ("/usr/bin/hypercorn",), files=("asgi.py",)),
    python("daphne", "daphne", ("daphne", "-b", "0.0.0.0", "-p", "@PORT@", "asgi:app"), "daphne", ("/usr/bin/daphne",),
           files=("asgi.py",)),
    python("waitress", "waitress", ("waitress-serve", "--port=@PORT@", "wsgi:app"), "python3-waitress",
           ("/usr/bin/waitress-serve",)),
    python("cheroot", "cheroot", ("./cheroot_server.py",), "python3-cheroot", (f"{MODULES}/cheroot",),
           files=("cheroot_server.py", "wsgi.py")),
    python("aiohttp", "aiohttp", ("./aiohttp_server.py",), "python3-aiohttp", (f"{MODULES}/aiohttp",),
           files=("aiohttp_server.py",)),
    python("tornado", "tornado", ("./tornado_server.py",), "python3-tornado", (f"{MODULES}/tornado",),
           files=("tornado_server.py",)),
    python("uwsgi", "uwsgi",
           ("uwsgi", "--plugin", "python3", "--http-socket", "0.0.0.0:@PORT@", "--master", "--workers", "4",
            "--disable-logging", "--hook-master-start", "unix_signal:15 gracefully_kill_them_all", "--wsgi",
            "wsgi:app"),
           "uwsgi-core", ("/usr/bin/uwsgi", "/usr/lib/uwsgi/plugins/python3_plugin.so"),
           note="without that hook SIGTERM makes its master reload"),
    Server("puma", "puma", ("puma", "-t", "0:16", "-b", "tcp://0.0.0.0:@PORT@"), **PUMA),
    Server("puma-workers", "puma, two workers", ("puma", "-w", "2", "-t", "0:16", "-b", "tcp://0.0.0.0:@PORT@"),
           **PUMA),
    Server("unicorn", "unicorn", ("unicorn", "-c", "unicorn.rb"), ("unicorn.rb", "config.ru"), ("/usr/bin/unicorn",),
           "unicorn", options=(("--stop-signal", "QUIT"),)),
    Server("node", "node", ("node", "server.js"), **NODE),
    Server("node-graceful", "node, SIGTERM handled", ("node", "graceful.js"),
           **{**NODE, "files": ("graceful.js",)}),
    Server("npm", "npm start", ("npm", "start"), ("server.js", "package.json"), ("/usr/bin/node", "/usr/bin/npm"),
           "nodejs", environment=(("npm_config_cache", "@SCRATCH@/npm"), ("npm_config_update_notifier", "false"))),
    Server("node-sh", "node below sh -c", ("sh", "-c", "node server.js"), **NODE),
    Server("node-tini", "node below tini", ("tini", "--", "node", "server.js"),
           **{**NODE, "needs": ("/usr/bin/node", "/usr/bin/tini")}),
    Server("node-dumb-init", "node below dumb-init", ("dumb-init", "node", "server.js"),
           **{**NODE, "needs": ("/usr/bin/node", "/usr/bin/dumb-init")}),
    Server("go", "Go, static", ("./server",), ("main.go",), ("/usr/bin/go",), "golang-go",
           build=("go", "build", "-o", "server", "main.go")),
    Server("java", "Java, HttpServer", ("java", "Server.java"), ("Server.java",), ("/usr/bin/javac",),
           "openjdk-17-jdk-headless"),
    Server("erlang", "Erlang, gen_tcp", ("escript", "server.escript"), ("server.escript",), ("/usr/bin/escript",),
           "erlang-base"),
    Server("php", "php -S", ("php", "-S", "0.0.0.0:@PORT@", "index.php"), ("index.php",), ("/usr/bin/php",), "php-cli",
           environment=(("PHP_CLI_SERVER_WORKERS", "4"),)),
    Server("nginx", "nginx", **NGINX, settings=(("@REUSEPORT@", ""),)),
    Server("nginx-reuseport", "nginx with reuseport", **NGINX, settings=(("@REUSEPORT@", " reuseport"),)),
    Server("lighttpd", "lighttpd", ("lighttpd", "-D", "-f", "lighttpd.conf"), ("lighttpd.conf",),
           ("/usr/sbin/lighttpd",), "lighttpd", options=(("--stop-signal", "INT"),)),
    Server("haproxy", "haproxy", ("haproxy", "-db", "-f", "haproxy.cfg"), ("haproxy.cfg", "haproxy.lua"),
           ("/usr/sbin/haproxy",), "haproxy", options=(("--stop-signal", "USR1"),)),
)


def named(name):
    return next(server for server in SERVERS if server.name == name)


def write_release(server, directory, version, port, scratch, built=None):
    """Lays `server`'s release into `directory`; `built` is the program, where there is one to build."""
    directory.mkdir()
    words = {"@VERSION@": version, "@PORT@": str(port), "@SCRATCH@": str(scratch), **dict(server.settings)}
    for name in server.files:
        text = replaced((APPS / name).read_text(), words)
        (directory / name).write_text(text)
        (directory / name).chmod(0o755 if text.startswith("#!") else 0o644)
    (directory / "VERSION").write_text(version)
    (directory / "index.json").write_text(f'{{"version": "{version}"}}')
    (directory / "slow").write_text("x" * SLOW_BYTES)
    if built:
        (directory / built.name).hardlink_to(built)
    return directory


def replaced(text, words):
    for word, value in words.items():
        text = text.replace(word, value)
    return text
