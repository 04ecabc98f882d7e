#!/usr/bin/python3
"""Tornado as its documentation starts it: no SIGTERM handler."""

import asyncio

import tornado.web


class Answer(tornado.web.RequestHandler):
    async def get(self):
        if self.request.path == "/slow":
            await asyncio.sleep(2)
        self.write({"version": "@VERSION@"})

    post = get


async def main():
    tornado.web.Application([("/.*", Answer)]).listen(@PORT@)
    await asyncio.Event().wait()

asyncio.run(main())
