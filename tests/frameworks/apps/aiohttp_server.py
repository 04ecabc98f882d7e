#!/usr/bin/python3
"""aiohttp.web as its documentation starts it."""

import asyncio

from aiohttp import web


async def answer(request):
    await request.read()
    if request.path == "/slow":
        await asyncio.sleep(2)
    return web.json_response({"version": "@VERSION@"})

app = web.Application()
app.router.add_route("*", "/{path:.*}", answer)
web.run_app(app, port=@PORT@, print=None)
