"""Trying an account out: the cheapest call that its provider answers differently to strangers."""

import asyncio
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Any

from db.providers import Tested
from domain.providers import ProviderKind, TestStatus
from workers.providers import account, device_lane
from workers.providers.apple_wallet import AppleWallet, identity
from workers.providers.calls import Caller, NotSentError, Reply, UnansweredError
from workers.providers.carrier import Known
from workers.providers.google_wallet import GoogleWallet
from workers.providers.mail_server import MailServer
from workers.providers.outside import Outside

PATIENCE = 15.0

_CARRIERS: dict[ProviderKind, Any] = {
    **account.CARRIERS,
    **device_lane.CARRIERS,
    ProviderKind.GOOGLE_WALLET: GoogleWallet,
    ProviderKind.APPLE_WALLET: AppleWallet,
}


async def tried(known: Known, outside: Outside) -> Tested:
    """What the provider says of the credentials; never raises, and takes no longer than 15 s."""
    began = perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            reply = await _asked(known, outside)
    except TimeoutError:
        status, words = TestStatus.UNREACHABLE, f"no answer within {PATIENCE:g} s"
    except (NotSentError, UnansweredError) as error:
        status, words = TestStatus.UNREACHABLE, str(error)
    except Exception as error:  # credentials that a library trips over: what it says may show a part of them
        status, words = TestStatus.INVALID_CREDENTIALS, f"they cannot be used: {type(error).__name__}"
    else:
        status, words = _meaning(reply), reply.words if reply.body or not reply.ok else ""
    return Tested(status.value, known.hidden(words), int((perf_counter() - began) * 1000))


async def _asked(known: Known, outside: Outside) -> Reply:
    async with AsyncExitStack() as stack:
        apple = known.kind in (ProviderKind.APNS, ProviderKind.APPLE_WALLET)
        shown = identity(known, outside) if known.kind is ProviderKind.APPLE_WALLET else None
        caller = await stack.enter_async_context(Caller(outside, http2=apple, identity=shown))
        carrier = _CARRIERS[known.kind](known, caller)
        if isinstance(carrier, MailServer):
            stack.push_async_callback(carrier.leave)
        reply: Reply = await carrier.probe()
        return reply


def _meaning(reply: Reply) -> TestStatus:
    if reply.ok:
        return TestStatus.OK
    if reply.status in (401, 403):
        return TestStatus.INVALID_CREDENTIALS
    return TestStatus.RATE_LIMITED if reply.status == 429 else TestStatus.UNREACHABLE
