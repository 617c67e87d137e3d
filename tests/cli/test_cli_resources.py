"""``mintmark resource``: what clients may ask for tokens for."""

import json

from tests.cli.command_line import CommandLine

BOTH_WAYS = True
MCP = "https://mcp.example.com/mcp"


def test_a_resource_is_made_shown_changed_and_deleted(mintmark: CommandLine) -> None:
    made = mintmark("resource", "create", MCP, "--scope", "mcp:tools mcp:admin", "--token-format", "opaque", code=0)
    assert "is registered" in made.out + made.err
    assert "already" in mintmark("resource", "create", MCP, code=1).err
    changed = json.loads(
        mintmark("resource", "update", MCP, "--token-lifetime", "600", "--self-registered", "--json", code=0).out
    )
    assert (changed["scopes"], changed["access_token_lifetime"]) == (["mcp:tools", "mcp:admin"], 600)
    assert (changed["self_registered"], changed["access_token_format"]) == (True, "opaque")
    mintmark("resource", "update", MCP, "--unset", "self_registered", "--unset", "access_token_format", code=0)
    shown = json.loads(mintmark("resource", "show", MCP, "--json", code=0).out)
    assert (shown["self_registered"], shown["access_token_format"]) == (False, None)
    listed = json.loads(mintmark("resource", "list", "--json", code=0).out)
    assert [one["resource"] for one in listed["resources"]] == [MCP]
    mintmark("resource", "delete", MCP, "--yes", code=0)
    assert mintmark("resource", "show", MCP, code=1)


def test_what_cannot_be(mintmark: CommandLine) -> None:
    assert "Nothing is to be changed" in mintmark("resource", "update", MCP, code=2).err
    assert "no such member" in mintmark("resource", "update", MCP, "--unset", "colour", code=2).err
    assert "fragment" in mintmark("resource", "create", MCP + "#x", code=2).err


def test_clients_that_nobody_uses(mintmark: CommandLine) -> None:
    assert json.loads(mintmark("client", "list", "--unused-for", "30d", "--json", code=0).out)["clients"] == []
    assert "write" in mintmark("client", "list", "--unused-for", "soon", code=2).err
