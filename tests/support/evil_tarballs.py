"""Writes tarballs that must not be unpacked, each with the reason for which it must be refused.

    evil_tarballs.py DIRECTORY

DIRECTORY gets one file for each case and `index.json`: a list of {"file", "code", "words"}, where `code` is the error
code to be reported and `words` what its message must contain. `good.tar.gz` is the innocent relative of them all.
The headers are put together byte by byte (POSIX.1-2017, pax, "ustar Interchange Format"): no tar library would.
"""
import gzip
import hashlib
import json
import sys
import zlib
from pathlib import Path

BLOCK = 512
END = bytes(2 * BLOCK)
FILES = {"a.txt": b"hello\n", "bin/run": b"#!/bin/sh\n", "lib/x/data": bytes(range(256)) * 5}


# --- tar, by hand

def octal(number, width):
    return b"%0*o\0" % (width - 1, number)


def header(name, size=0, kind=b"0", mode=b"0000644\0", magic=b"ustar\x0000", link=b"", prefix=b"", tail=b"",
           size_field=None, checksum=None):
    name = name.encode() if isinstance(name, str) else name
    block = b"".join([
        name.ljust(100, b"\0"), mode.ljust(8, b"\0"), octal(0, 8), octal(0, 8),
        (octal(size, 12) if size_field is None else size_field).ljust(12, b"\0"), octal(0, 12), b" " * 8, kind,
        link.ljust(100, b"\0"), magic.ljust(8, b"\0"), bytes(64), octal(0, 8), octal(0, 8), prefix.ljust(155, b"\0"),
        tail.rjust(12, b"\0")])
    assert len(block) == BLOCK, (name, len(block))
    checksum = b"%06o\0 " % sum(block) if checksum is None else checksum
    return block[:148] + checksum + block[156:]


def entry(name, content=b"", fill=b"\0", **fields):
    fields.setdefault("size", len(content))
    return header(name, **fields) + content + fill * (-len(content) % BLOCK)


def directory(name, **fields):
    return header(name, kind=b"5", mode=fields.pop("mode", b"0000755\0"), **fields)


def pack(*entries, end=END):
    return gzip.compress(b"".join(entries) + end, mtime=0)


# --- releases

def listing(name, content, **changes):
    file = {"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(),
            "executable": name == "bin/run"}
    return {**file, **changes}


LISTINGS = [listing(name, content) for name, content in FILES.items()]


def manifest(files=None, **changes):
    fields = {"format": 1, "app": "my_app", "version": "1.0.0", "strategy": "handover",
              "files": LISTINGS if files is None else files}
    return json.dumps({**fields, **changes}).encode()


def file_entry(name):
    return entry(name, FILES[name], mode=b"0000755\0" if name == "bin/run" else b"0000644\0")


MANIFEST = entry("midair.json", manifest())
A, RUN, DATA = (file_entry(name) for name in FILES)
GOOD = [MANIFEST, A, RUN, DATA]


def listing_only(*files, **changes):
    """A release whose manifest is `files`, and nothing more: the manifest alone must be refused."""
    return pack(entry("midair.json", manifest(list(files), **changes)), A, RUN, DATA)


def named(*names):
    return listing_only(*(listing(name, b"x") for name in names))


def with_entry(evil):
    """A release with one entry too many, in the middle."""
    return pack(MANIFEST, A, evil, RUN, DATA)


def kind(letter, name="evil", **fields):
    return with_entry(entry(name, kind=letter, **fields))


def instead_of_a(**fields):
    """A release whose a.txt has another header."""
    return pack(MANIFEST, header("a.txt", **{"size": 6, **fields}) + FILES["a.txt"].ljust(BLOCK, b"\0"), RUN, DATA)


def manifest_text(text):
    return pack(entry("midair.json", text), A, RUN, DATA)


def edited(old, new):
    """A release whose manifest says something that json.dumps would not."""
    text = manifest(x="?")
    assert old in text, old
    return manifest_text(text.replace(old, new, 1))


def pax_text(content):
    """A release with a pax extended header."""
    return with_entry(entry("x", content, kind=b"x"))


def pax(**records):
    """A release with a pax extended header, whose content is lines of "length key=value"."""
    content = b""
    for key, value in records.items():
        record = f" {key}={value}\n".encode()
        length = len(record) + len(str(len(record) + len(str(len(record)))))
        content += str(length).encode() + record
    return pax_text(content)


def symlink(name, target, **fields):
    return entry(name, kind=b"2", link=target.encode()[:100], mode=b"0000777\0", **fields)


def linked(links, *entries, files=None, directories=(), requires=("directories", "links")):
    """A release whose manifest lists these links (name -> target) and directories; its entries are `entries`, or what it
    lists."""
    listed = [{"path": name, "target": target} for name, target in sorted(links.items())]
    text = manifest(files, format=2, links=listed, directories=[{"path": name} for name in directories],
                    requires=list(requires))
    entries = entries or (A, RUN, DATA, *(symlink(name, target) for name, target in links.items()))
    return pack(entry("midair.json", text), *entries)


# --- what is wrong with them

def gzip_cases(outside):
    good = pack(*GOOD)
    body, crc, length = good[10:-8], good[-8:-4], good[-4:]
    stored = gzip.compress(b"".join(GOOD) + END, compresslevel=0, mtime=0)
    flipped = bytearray(stored)
    flipped[stored.index(b"hello")] ^= 1
    random = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(8192))
    long = pack(entry("midair.json", manifest([listing("a.txt", random)])), entry("a.txt", random))
    yield "empty", b"", "corrupt", "it is empty"
    yield "plain-tar", b"".join(GOOD) + END, "corrupt", "not valid gzip"
    yield "html", b"<!DOCTYPE html><html><body>log in</body></html>", "corrupt", "not valid gzip"
    yield "zeros", bytes(4096), "corrupt", "not valid gzip"
    yield "zlib-without-gzip", zlib.compress(b"".join(GOOD) + END), "corrupt", "not valid gzip"
    yield "cut-in-gzip-header", good[:5], "corrupt", "truncated"
    yield "cut-in-the-middle", long[: len(long) // 2], "corrupt", "truncated"
    yield "cut-in-gzip-trailer", good[:-3], "corrupt", "truncated"
    yield "flipped-content-bit", bytes(flipped), "corrupt", "SHA-256"
    yield "wrong-crc", good[:-8] + bytes([crc[0] ^ 1]) + crc[1:] + length, "corrupt", "not valid gzip"
    yield "wrong-length", good[:-4] + bytes([length[0] ^ 1]) + length[1:], "corrupt", "not valid gzip"
    yield "reserved-gzip-flags", good[:3] + b"\x80" + good[4:], "corrupt", "not valid gzip"
    yield "unknown-compression", good[:2] + b"\x07" + good[3:], "corrupt", "not valid gzip"
    yield "wrong-header-crc", good[:3] + b"\x02" + good[4:10] + b"\0\0" + good[10:], "corrupt", "not valid gzip"
    yield "endless-gzip-name", good[:3] + b"\x08" + good[4:10] + b"n" * 300_000, "corrupt", "truncated"
    yield "second-member", good + good, "corrupt", "second gzip member"
    yield "archive-in-two-members", gzip.compress(b"".join(GOOD)) + gzip.compress(END), "corrupt", "second gzip member"
    yield "trailing-bytes", good + b"evil", "corrupt", "bytes follow its end"
    yield "trailing-zeros", good + bytes(512), "corrupt", "bytes follow its end"
    yield "broken-deflate", good[:10] + b"\xff" * len(body) + crc + length, "corrupt", "not valid gzip"
    bomb = pack(entry("midair.json", manifest([listing("a.txt", b"")])), entry("a.txt", bytes(40 << 20)))
    yield "bomb", bomb, "corrupt", "its manifest says 0"
    yield "bomb-in-the-padding", pack(*GOOD, end=bytes(40 << 20)), "corrupt", "1 MiB of zeros"


def archive_cases(outside):
    yield "nothing-packed", gzip.compress(b""), "corrupt", "truncated"
    yield "no-entries", pack(), "refused", "no manifest"
    yield "no-end", pack(*GOOD, end=b""), "corrupt", "truncated"
    yield "half-an-end", pack(*GOOD, end=bytes(BLOCK)), "corrupt", "truncated"
    yield "one-zero-block-then-more", pack(*GOOD[:2], bytes(BLOCK), *GOOD[2:]), "corrupt", "one block of zeros"
    yield "second-archive", pack(*GOOD, END, entry("evil", b"x")), "corrupt", "follows the end"
    yield "cut-in-content", gzip.compress((MANIFEST + A)[:-300]), "corrupt", "truncated"
    yield "cut-in-header", gzip.compress((MANIFEST + A)[: len(MANIFEST) + 100]), "corrupt", "truncated"
    yield "bytes-in-padding", pack(MANIFEST, entry("a.txt", FILES["a.txt"], fill=b"!"), RUN, DATA), "corrupt", "padding"
    yield "huge-size-then-nothing", with_entry(header("evil", size=(8 << 30) - 1)), "corrupt", "does not list"


def name_cases(outside):
    for case, name, words in [
            ("parent", "../evil", "'..' component"),
            ("parent-in-the-middle", "lib/../../evil", "'..' component"),
            ("parent-at-the-end", "lib/..", "'..' component"),
            ("only-parent", "..", "'..' component"),
            ("only-dot", ".", "'.' component"),
            ("leading-dot", "./evil", "'.' component"),
            ("inner-dot", "lib/./evil", "'.' component"),
            ("absolute", f"{outside}/evil", "absolute"),
            ("two-slashes", "//evil", "absolute"),
            ("empty-component", "lib//evil", "empty component"),
            ("file-with-slash", "evil/", "empty component"),
            ("nameless", "", "it is empty"),
            ("c1-control", "evil\x9b2J", "\\xc2\\x9b"),
            ("newline", "evil\nname", "\\x0a"),
            ("terminal-escape", "\x1b[2Jevil", "\\x1b"),
            ("delete", "evil\x7f", "\\x7f"),
            ("latin-1", b"\xe9vil", "\\xe9"),
            ("overlong", b"\xc0\xaf\xc0\xafevil", "\\xc0"),
            ("surrogate", b"\xed\xa0\x80evil", "\\xed"),
            ("half-a-character", b"evil\xe2\x80", "\\xe2")]:
        yield "name-" + case, with_entry(entry(name, b"x")), "refused", words
    for case, name in [("home", "~/evil"), ("drive", "C:evil"), ("backslashes", "..\\..\\evil"), ("space", "evil file"),
                       ("utf-8", "évil"), ("decomposed", "e\u0301vil"), ("right-to-left", "evil\u202etxt"), ("star", "*"),
                       ("shell", "$(evil)")]:  # names like others, but not listed
        yield "name-" + case, with_entry(entry(name, b"x")), "corrupt", "does not list it"
    yield "name-parent-directory", with_entry(directory("../evil/")), "refused", "'..' component"
    yield "name-absolute-directory", with_entry(directory(f"{outside}/evil/")), "refused", "absolute"
    yield "name-root-directory", with_entry(directory("/")), "refused", "it is empty"
    yield "name-dot-directory", with_entry(directory("./")), "refused", "'.' component"
    yield "name-two-slashes-at-the-end", with_entry(directory("lib//")), "refused", "empty component"
    yield "name-parent-in-prefix", with_entry(entry("evil", b"x", prefix=b"..")), "refused", "'..' component"
    yield "name-absolute-prefix", with_entry(entry("evil", b"x", prefix=b"/etc")), "refused", "absolute"
    yield "name-prefix-with-slash", with_entry(entry("evil", b"x", prefix=b"lib/")), "refused", "empty component"
    yield "name-after-nul", with_entry(entry(b"a.txt\0/../evil", b"x")), "corrupt", "after a NUL"
    yield "prefix-after-nul", with_entry(entry("evil", b"x", prefix=b"\0..")), "corrupt", "after a NUL"


def type_cases(outside):
    target = f"{outside}/canary".encode()
    comment = b"14 comment=hi\n"
    yield "symlink", kind(b"2", link=target), "refused", "symbolic link"
    yield "symlink-inside", kind(b"2", link=b"a.txt"), "refused", "symbolic link"
    yield "symlink-then-through-it", pack(
        entry("midair.json", manifest([listing("lib/evil", b"x")])),
        entry("lib", kind=b"2", link=str(outside).encode()), entry("lib/evil", b"x")), "refused", "symbolic link"
    yield "symlink-with-content", kind(b"2", link=target, content=b"x"), "corrupt", "symbolic link"
    yield "symlink-as-manifest", pack(entry("midair.json", kind=b"2", link=target), A), "refused", "first entry"
    yield "hardlink-outside", kind(b"1", link=target), "refused", "hard link"
    yield "hardlink-inside", kind(b"1", link=b"a.txt"), "refused", "hard link"
    yield "hardlink-with-content", kind(b"1", link=target, content=b"x"), "refused", "hard link"
    yield "character-device", kind(b"3"), "refused", "character device"
    yield "block-device", kind(b"4"), "refused", "block device"
    yield "fifo", kind(b"6"), "refused", "fifo"
    yield "contiguous-file", kind(b"7", content=b"x"), "refused", "contiguous"
    yield "socket", kind(b"s"), "refused", "unknown type 's'"
    yield "old-regular-file", instead_of_a(kind=b"\0"), "refused", "before POSIX"
    yield "unprintable-type", kind(b"\x1b"), "refused", "unknown type '\\x1b'"
    yield "pax-path", pax(path="../evil"), "refused", "'..' component"
    yield "pax-absolute-path", pax(path=f"{outside}/evil"), "refused", "absolute"
    yield "pax-path-unlisted", pax(path="evil"), "corrupt", "does not list it"
    yield "pax-path-of-another", pax(path="a.txt"), "refused", "twice"
    yield "pax-path-is-the-manifest", pax(path="midair.json"), "refused", "twice"
    yield "pax-empty-path", pax(path=""), "refused", "it is empty"
    yield "pax-size", pax(size="1024"), "refused", "pax extended"
    yield "pax-link", pax(linkpath="/etc/passwd"), "refused", "target of a link"
    yield "pax-record-too-short", pax_text(b"8 path=x\n"), "corrupt", "pax extended"
    yield "pax-record-too-long", pax_text(b"99 path=x\n"), "corrupt", "pax extended"
    yield "pax-record-with-nul", pax_text(b"15 path=a.txt\0\n"), "corrupt", "NUL"
    yield "pax-path-twice", pax_text(b"13 path=lib/x\n10 path=ev\n"), "corrupt", "pax extended"
    yield "pax-before-pax", with_entry(entry("x", b"9 path=x\n", kind=b"x") * 2), "refused", "pax extended"
    yield "pax-before-the-end", pack(*GOOD, entry("x", b"9 path=x\n", kind=b"x")), "corrupt", "checksum"
    yield "pax-before-manifest", pack(entry("x", comment, kind=b"x"), *GOOD), "refused", "pax extended"
    yield "pax-capabilities", pax(**{"SCHILY.xattr.security.capability": "1"}), "refused", "pax extended"
    yield "pax-that-claims-gigabytes", with_entry(header("x", size=4 << 30, kind=b"x")), "refused", "pax extended"
    yield "pax-global", pack(entry("g", comment, kind=b"g"), *GOOD), "refused", "pax global"
    yield "pax-of-solaris", kind(b"X", content=comment), "refused", "pax extended"
    yield "gnu-long-name", kind(b"L", name="././@LongLink", content=b"../" * 60 + b"evil\0"), "refused", "GNU long name"
    yield "gnu-long-name-claims-gigabytes", with_entry(header("x", size=4 << 30, kind=b"L")), "refused", "GNU long name"
    yield "gnu-long-link", kind(b"K", name="././@LongLink", content=b"/etc/passwd\0"), "refused", "GNU long link"
    yield "gnu-sparse", kind(b"S"), "refused", "sparse"
    yield "gnu-multi-volume", kind(b"M", content=b"x"), "refused", "another volume"
    yield "gnu-volume-label", pack(entry("label", kind=b"V"), *GOOD), "refused", "volume label"
    yield "gnu-directory-dump", kind(b"D"), "refused", "unknown type 'D'"
    yield "solaris-acl", kind(b"A"), "refused", "unknown type 'A'"


def link_cases(outside):
    """Links that the manifest lists, so that they would be made."""
    def leads(case, links, words):
        return "link-" + case, linked(links), "refused", words

    out = "out of the release"
    yield leads("to-parent", {"evil": ".."}, out)
    yield leads("to-canary", {"evil": "../canary"}, out)
    yield leads("up-in-the-middle", {"evil": "lib/../../canary"}, out)
    yield leads("up-from-below", {"lib/evil": "../../canary"}, out)
    yield leads("up-behind-a-link", {"lib/up": "x", "deep": "lib/x", "evil": "deep/../../../canary"}, out)
    yield leads("up-that-by-its-letters-stays", {"lib/x/top": "../../bin", "evil": "lib/x/top/../../canary"}, out)
    yield leads("chain-that-leaves", {"a": "b", "b": "c", "c": "../canary"}, out)
    yield leads("through-an-absolute-one", {"a": str(outside), "evil": "a/canary"}, "by the link 'a'")
    yield leads("chain-through-an-absolute-one", {"a": "b", "b": str(outside), "evil": "a/canary"}, "by the link 'b'")
    yield leads("to-itself", {"evil": "evil"}, "in a loop")
    yield leads("to-itself-from-below", {"lib/evil": "../lib/evil/x"}, "in a loop")
    yield leads("loop-of-two", {"a": "b", "b": "a"}, "in a loop")
    yield leads("loop-by-directories", {"bin/a": "../lib/b/x", "lib/b": "../bin/a"}, "in a loop")
    yield leads("long-chain", {chr(97 + i): chr(98 + i) if i < 20 else "bin" for i in range(21)}, "more than 8")
    yield leads("to-what-is-not-there", {"evil": "none"}, "does not have")
    yield leads("through-what-is-not-there", {"evil": "none/../a.txt"}, "does not have")
    yield leads("through-a-file", {"evil": "a.txt/../a.txt"}, "through a file")
    yield leads("absolute-with-parent", {"evil": "/usr/../etc/passwd"}, "'..' component")
    yield leads("to-nothing", {"evil": ""}, "to nothing")
    yield leads("with-newline", {"evil": "a.txt\nx"}, "control character")
    yield leads("with-escape", {"evil": "\x1b[2J"}, "control character")
    yield leads("too-long", {"evil": "./" * 2100 + "a.txt"}, "longer than 4095")
    yield leads("named-outside", {"../evil": "a.txt"}, "'..' component")
    yield leads("named-absolute", {f"{outside}/evil": "a.txt"}, "absolute")
    yield leads("below-a-link", {"evil": "lib", "evil/x": "../a.txt"}, "a directory")
    yield leads("as-manifest", {"midair.json": "a.txt"}, "twice")
    yield leads("as-a-file", {"a.txt": "bin/run"}, "twice")

    lib = {"lib2": "lib"}
    yield "link-not-required", linked(lib, requires=["directories"]), "refused", "requires 'links'"
    yield "link-in-format-1", listing_only(*LISTINGS, links=[{"path": "evil", "target": "a.txt"}]), "refused", "'links'"
    yield "link-missing", linked(lib, A, RUN, DATA), "corrupt", "not in the tarball"
    yield "link-twice", linked(lib, A, RUN, DATA, symlink("lib2", "lib"), symlink("lib2", "lib")), "refused", "twice"
    yield "link-to-something-else", linked(lib, A, RUN, DATA, symlink("lib2", "..")), "corrupt", "something else"
    yield "link-replaced-by-a-directory", linked(
        lib, A, RUN, DATA, symlink("lib2", "lib"), directory("lib2/")), "corrupt", "leads to no file"
    yield "link-replaced-by-a-file", linked(
        lib, A, RUN, DATA, symlink("lib2", "lib"), entry("lib2", b"x")), "corrupt", "does not list it"
    yield "link-then-a-file-through-it", linked(
        lib, symlink("lib2", "lib"), entry("lib2/evil", b"x"), A, RUN, DATA), "corrupt", "does not list it"
    yield "link-then-a-listed-file-through-it", linked(
        lib, symlink("lib2", "lib"), files=[*LISTINGS, listing("lib2/evil", b"x")]), "refused", "a directory"
    yield "directory-replaced-by-a-link", linked(
        lib, A, RUN, DATA, symlink("lib", str(outside)), symlink("lib2", "lib")), "refused", "symbolic link"
    yield "file-replaced-by-a-link", linked(
        lib, symlink("a.txt", f"{outside}/canary"), A, RUN, DATA, symlink("lib2", "lib")), "refused", "symbolic link"
    yield "link-with-pax-to-something-else", linked(
        lib, A, RUN, DATA, entry("x", b"15 linkpath=..\n", kind=b"x"), symlink("lib2", "lib")), "corrupt", "something else"
    yield "hardlink-to-a-link", linked(
        lib, A, RUN, DATA, symlink("lib2", "lib"), entry("evil", kind=b"1", link=b"lib2")), "refused", "hard link"
    yield "hardlink-to-a-hardlink", with_entry(
        entry("b", kind=b"1", link=b"a.txt") + entry("evil", kind=b"1", link=b"b")), "refused", "hard link"
    yield "hardlink-through-a-link", linked(
        lib, symlink("lib2", "lib"), entry("evil", kind=b"1", link=b"lib2/../../canary"), A, RUN, DATA), "refused", "hard link"
    yield "listed-directory-is-a-link", linked(
        lib, A, RUN, DATA, symlink("lib2", "lib"), symlink("evil", str(outside)),
        directories=["evil"]), "refused", "symbolic link"
    yield "requires-what-nobody-knows", linked(lib, requires=["directories", "links", "wings"]), "refused", "wings"


def header_cases(outside):
    yield "setuid", instead_of_a(mode=b"0004755\0"), "refused", "setuid"
    yield "setgid", instead_of_a(mode=b"0002755\0"), "refused", "setgid"
    yield "sticky", instead_of_a(mode=b"0001644\0"), "refused", "sticky"
    yield "sticky-directory", with_entry(directory("lib/", mode=b"0001777\0")), "refused", "sticky"
    yield "mode-of-a-link", instead_of_a(mode=b"0120644\0"), "corrupt", "neither permissions nor its type"
    yield "mode-of-a-directory", instead_of_a(mode=b"0040755\0"), "corrupt", "neither permissions nor its type"
    yield "mode-not-octal", instead_of_a(mode=b"rw-r--r-"), "corrupt", "mode is not"
    yield "no-mode", instead_of_a(mode=b""), "corrupt", "mode is not"
    yield "size-base-256", instead_of_a(size_field=b"\x80" + bytes(10) + b"\x06"), "refused", "base-256"
    yield "size-base-256-huge", instead_of_a(size_field=b"\x80" + b"\xff" * 11), "refused", "base-256"
    yield "size-negative", instead_of_a(size_field=b"\xff" * 12), "refused", "base-256"
    yield "size-minus-one", instead_of_a(size_field=b"-0000000001\0"), "corrupt", "size is not"
    yield "size-decimal", instead_of_a(size_field=b"00000000009\0"), "corrupt", "size is not"
    yield "size-hexadecimal", instead_of_a(size_field=b"0x000000006\0"), "corrupt", "size is not"
    yield "size-blank", instead_of_a(size_field=b" " * 12), "corrupt", "size is not"
    yield "size-missing", instead_of_a(size_field=b""), "corrupt", "size is not"
    yield "size-unterminated", instead_of_a(size_field=b"000000000006"), "corrupt", "size is not"
    yield "size-after-space", instead_of_a(size_field=b" 0000000006\0"), "corrupt", "size is not"
    yield "two-sizes", instead_of_a(size_field=b"00006\0000077\0"), "corrupt", "size is not"
    yield "checksum-wrong", instead_of_a(checksum=b"000001\0 "), "corrupt", "bad checksum"
    yield "checksum-missing", instead_of_a(checksum=b" " * 8), "corrupt", "bad checksum"
    yield "checksum-not-octal", instead_of_a(checksum=b"99999\0 \0"), "corrupt", "bad checksum"
    yield "random-header", with_entry(hashlib.sha512(b"evil").digest() * 8), "corrupt", "bad checksum"
    yield "gnu-format", instead_of_a(magic=b"ustar  \0"), "refused", "GNU tar's own format"
    yield "v7-format", instead_of_a(magic=b""), "refused", "not in the ustar format"
    yield "other-ustar-version", instead_of_a(magic=b"ustar\x0001"), "refused", "not in the ustar format"
    yield "star-format", instead_of_a(tail=b"tar\0"), "refused", "extension"
    yield "file-that-names-a-link", instead_of_a(link=b"/etc/passwd"), "refused", "target of a link"
    yield "directory-with-content", with_entry(directory("lib/", size=512) + bytes(512)), "corrupt", "with content"


def manifest_cases(outside):
    yield "no-manifest", pack(A, RUN, DATA), "refused", "first entry"
    yield "late-manifest", pack(A, MANIFEST, RUN, DATA), "refused", "first entry"
    yield "directory-before-manifest", pack(directory("bin/"), *GOOD), "refused", "first entry"
    yield "manifest-in-other-case", pack(entry("MIDAIR.JSON", manifest()), A, RUN, DATA), "refused", "first entry"
    yield "manifest-is-a-directory", pack(directory("midair.json/"), *GOOD), "refused", "first entry"
    yield "manifest-twice", pack(MANIFEST, MANIFEST, A, RUN, DATA), "refused", "twice"
    yield "manifest-too-long", pack(header("midair.json", size=(16 << 20) + 1)), "refused", "longer than 16 MiB"
    yield "manifest-empty", manifest_text(b""), "corrupt", "not valid JSON"
    yield "manifest-html", manifest_text(b"<html></html>"), "corrupt", "looks like HTML"
    yield "manifest-cut", manifest_text(manifest()[:-10]), "corrupt", "not valid JSON"
    yield "manifest-array", manifest_text(b"[]"), "corrupt", "not a JSON object"
    yield "manifest-trailing-text", manifest_text(manifest() + b"{}"), "corrupt", "not valid JSON"
    yield "manifest-with-nul", manifest_text(manifest() + b"\0"), "corrupt", "not valid JSON"
    yield "manifest-utf-16", manifest_text(manifest().decode().encode("utf-16")), "corrupt", "not valid JSON"
    yield "manifest-bad-utf-8", edited(b'"?"', b'"\xff"'), "corrupt", "not valid JSON"
    yield "manifest-duplicate-key", edited(b'"x"', b'"format"'), "corrupt", "duplicate key 'format'"
    yield "manifest-duplicate-key-in-file", edited(
        b'"path": "a.txt"', b'"path": "a.txt", "path": "../evil"'), "corrupt", "duplicate key 'path'"
    yield "manifest-deep", edited(b'"?"', b"[" * 99999), "corrupt", "depth"
    yield "manifest-newer-format", listing_only(*LISTINGS, format=3), "refused", "format 3 is newer"
    yield "manifest-format-zero", listing_only(*LISTINGS, format=0), "corrupt", "'format'"
    yield "manifest-format-text", listing_only(*LISTINGS, format="1"), "corrupt", "'format'"
    yield "manifest-huge-number", edited(b'"?"', b"9" * 400), "corrupt", "JSON"
    yield "manifest-no-files", listing_only(), "refused", "no files"
    yield "manifest-files-is-an-object", manifest_text(manifest({})), "corrupt", "'files'"
    yield "manifest-files-missing", edited(b'"files"', b'"fils"'), "corrupt", "'files' is missing"
    yield "manifest-file-is-text", listing_only("a.txt"), "corrupt", "not an object"
    yield "manifest-strategy", listing_only(*LISTINGS, strategy="exec"), "refused", "strategy 'exec'"
    yield "manifest-app", listing_only(*LISTINGS, app="../x"), "refused", "app name"
    yield "manifest-version", listing_only(*LISTINGS, version="../x"), "refused", "version"
    for field, value in [("size", "6"), ("size", -6), ("size", 6.5), ("size", None), ("path", 7), ("sha256", "0" * 63),
                         ("sha256", LISTINGS[0]["sha256"].upper()), ("executable", "no")]:
        case = f"manifest-file-{field}-{str(value)[:8].lower()}"
        yield case, listing_only(listing("a.txt", b"hello\n", **{field: value})), "corrupt", f"'{field}'"
    yield "manifest-parent", named("../evil"), "refused", "'..' component"
    yield "manifest-absolute", named(f"{outside}/evil"), "refused", "absolute"
    yield "manifest-control-character", named("evil\x1b[2J"), "refused", "\\x1b"
    yield "manifest-long-component", named("n" * 256), "refused", "255 bytes"
    yield "manifest-long-name", named("/".join(["n" * 100] * 31)), "refused", "3072 bytes"
    yield "manifest-lists-twice", named("evil", "evil"), "refused", "listed twice"
    yield "manifest-case-twins", named("Evil", "evil"), "corrupt", "does not list it"
    yield "manifest-directory-case-twins", named("LIB/evil", "lib/good"), "corrupt", "does not list it"
    yield "manifest-file-and-directory", named("evil", "evil/x"), "refused", "a directory"
    yield "manifest-lists-itself", named("midair.json"), "refused", "listed twice"
    yield "manifest-lists-itself-in-other-case", named("Midair.json"), "corrupt", "does not list it"
    yield "manifest-below-itself", named("midair.json/x"), "refused", "a directory"
    yield "manifest-unordered", listing_only(*reversed(LISTINGS)), "corrupt", "byte order"
    yield "manifest-claims-terabytes", listing_only(listing("a.txt", b"", size=1 << 42)), "refused", "unpacks to more"
    yield "manifest-sizes-overflow", listing_only(
        listing("a.txt", b"", size=(1 << 64) - 1), listing("b.txt", b"", size=2)), "corrupt", "beyond 2^53 - 1"
    yield "manifest-sizes-wrap", listing_only(listing("a.txt", b"", size=(1 << 64) + 1)), "corrupt", "beyond 2^53 - 1"
    yield "manifest-claims-petabytes", listing_only(
        listing("a.txt", b"", size=(1 << 53) - 1), listing("b.txt", b"", size=2)), "refused", "unpacks to more"
    many = [listing(f"f{i:06}", b"") for i in range(100_001)]
    yield "manifest-with-too-many-files", listing_only(*many), "refused", "more than 100000 files"


def content_cases(outside):
    yield "listed-but-missing", pack(MANIFEST, A, RUN), "corrupt", "'lib/x/data': the manifest lists it"
    yield "there-but-not-listed", with_entry(entry("evil", b"x")), "corrupt", "'evil': the manifest does not list it"
    yield "empty-but-not-listed", with_entry(entry("evil")), "corrupt", "does not list"
    yield "longer-than-listed", pack(MANIFEST, entry("a.txt", b"hello, world\n"), RUN, DATA), "corrupt", "has 13 bytes"
    yield "shorter-than-listed", pack(MANIFEST, entry("a.txt"), RUN, DATA), "corrupt", "has 0 bytes"
    yield "other-content", pack(MANIFEST, entry("a.txt", b"hELLO\n"), RUN, DATA), "corrupt", "SHA-256"
    yield "contents-swapped", pack(entry("midair.json", manifest([
        listing("a", b"1"), listing("b", b"2")])), entry("a", b"2"), entry("b", b"1")), "corrupt", "SHA-256"
    yield "not-executable", pack(MANIFEST, A, entry("bin/run", FILES["bin/run"]), DATA), "corrupt", "not executable"
    yield "executable", instead_of_a(mode=b"0000755\0"), "corrupt", "executable against"
    yield "file-twice", pack(MANIFEST, A, A, RUN, DATA), "refused", "twice"
    yield "file-twice-with-other-content", pack(MANIFEST, A, entry("a.txt", b"hELLO\n"), RUN, DATA), "refused", "twice"
    yield "directory-twice", pack(MANIFEST, directory("lib/"), directory("lib"), A, RUN, DATA), "refused", "twice"
    yield "stray-directory", with_entry(directory("evil/")), "corrupt", "leads to no file"
    yield "directory-instead-of-file", pack(MANIFEST, directory("a.txt/"), RUN, DATA), "corrupt", "leads to no file"
    yield "file-instead-of-directory", with_entry(entry("lib", b"x")), "corrupt", "does not list"
    yield "directory-in-other-case", with_entry(directory("LIB/")), "corrupt", "leads to no file"


def main(target):
    target.mkdir(parents=True, exist_ok=True)
    (target / "good.tar.gz").write_bytes(pack(*GOOD))
    index = []
    for group in (gzip_cases, archive_cases, name_cases, type_cases, link_cases, header_cases, manifest_cases,
                  content_cases):
        for case, tarball, code, words in group(target):
            file = f"{case}.tar.gz"
            assert not (target / file).exists(), case
            (target / file).write_bytes(tarball)
            index.append({"file": file, "code": code, "words": words})
    (target / "index.json").write_text(json.dumps(index, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
