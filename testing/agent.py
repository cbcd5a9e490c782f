"""Acts as an agent: the MCP client of the protocol's own SDK, over streamable HTTP."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp import ClientSession
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.types import CallToolResult, Tool


def tools(url: str, headers: Mapping[str, str] | None = None) -> list[str]:
    return [tool.name for tool in described(url, headers)]


def described(url: str, headers: Mapping[str, str] | None = None) -> list[Tool]:
    async def ask() -> list[Tool]:
        async with _session(url, headers) as session:
            return (await session.list_tools()).tools

    return asyncio.run(ask())


def call(url: str, tool: str, arguments: dict[str, Any], headers: Mapping[str, str] | None = None) -> CallToolResult:
    async def ask() -> CallToolResult:
        async with _session(url, headers) as session:
            return await session.call_tool(tool, arguments)

    return asyncio.run(ask())


@asynccontextmanager
async def _session(url: str, headers: Mapping[str, str] | None) -> AsyncIterator[ClientSession]:
    async with (
        create_mcp_http_client(headers=dict(headers or {})) as http,
        streamable_http_client(f"{url}/gradio_api/mcp/", http_client=http) as (reading, writing, *_),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        yield session
