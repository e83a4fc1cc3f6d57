"""The shop behind the demo: its orders, what its tools know of them, and what its customers write."""

import random
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

ORDERS = 40
_FIRST = ("Ada", "Bruno", "Carla", "Daniel", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas")
_LAST = ("Almeida", "Berg", "Costa", "Dupont", "Egger", "Farkas", "Garcia", "Holm", "Ito", "Jansen")
_ITEMS = (
    "desk lamp, brass",
    "floor lamp, black",
    "bedside lamp, oak",
    "pendant lamp, glass",
    "string lights",
)
_STATES = ("shipped", "packed", "waiting for stock", "delivered")
_MESSAGES = (
    "My parcel with order {order} has not arrived, where is it?",
    "You charged my card twice for order {order}!",
    "Order {order} is here and I love the lamp, thank you",
    "The lamp of order {order} is broken, I want my money back",
    "When does the courier deliver order {order}?",
)
_WISHES = (
    "I would like to return",
    "Please exchange",
    "I want a refund for",
    "I have a question about",
)
NUMBER = {"type": "string", "description": "the number of the order"}
TOOLS: tuple[dict[str, Any], ...] = tuple(
    {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {"order_id": NUMBER},
                "required": ["order_id"],
                "additionalProperties": False,
            },
        },
    }
    for name, description in (
        ("lookup_order", "Find an order: what was bought, its status, when it shipped."),
        ("estimate_delivery", "Say on which day a parcel arrives."),
    )
)


class Order(Struct, frozen=True):
    """One row of the order table."""

    id: str
    customer: str
    email: str
    items: tuple[str, ...]
    status: str
    shipped: str
    arrives: str


class Shop:
    """An order table made from a seed, and the tools that read it."""

    def __init__(self, seed: int = 7) -> None:
        draw = random.Random(seed)  # noqa: S311  # sample data, no secret
        self.orders = {order.id: order for order in (_order(number, draw) for number in range(ORDERS))}
        self._numbers = list(self.orders)
        self._tools: dict[str, Callable[[Order], dict[str, Any]]] = {
            "lookup_order": lambda order: {
                "item": order.items[0],
                "status": order.status,
                "shipped": order.shipped,
            },
            "estimate_delivery": lambda order: {"arrives": order.arrives},
        }

    def run(self, tool: str, arguments: str) -> str:
        """Execute a tool call of the model; what comes back is for the model, errors as well."""
        try:
            order = self.orders[msgspec.json.decode(arguments)["order_id"]]
            return msgspec.json.encode(self._tools[tool](order)).decode()
        except msgspec.DecodeError:
            return '{"error": "the arguments are not JSON"}'
        except (KeyError, TypeError):
            return '{"error": "there is no such order"}'

    def question(self, number: int) -> str:
        """What customer *number* asks about orders; every second asks for two things at once."""
        one, two = self._order(number), self._order(number + 3)
        if number % 2:
            return f"Where is my order {one.id}, and when will the parcel of order {two.id} arrive?"
        return f"What is the status of order {one.id}? This is message {number}."

    def mail(self, number: int) -> str:
        """A mail that somebody has to turn into a form."""
        order = self._order(number)
        items = "\n".join(f"- {item}" for item in order.items)
        return (
            f"From: {order.customer} <{order.email}>\nSubject: order {order.id}, mail {number}\n\n"
            f"Hello, this is {order.customer}. {_WISHES[number % len(_WISHES)]} order {order.id}.\n{items}\n"
            f"Please write to {order.email}."
        )

    def message(self, number: int) -> str:
        """A line in the contact form."""
        return _MESSAGES[number % len(_MESSAGES)].format(order=self._order(number).id)

    def _order(self, number: int) -> Order:
        return self.orders[self._numbers[number % ORDERS]]


def _order(number: int, draw: random.Random) -> Order:
    first, last = draw.choice(_FIRST), draw.choice(_LAST)
    shipped, items = draw.randrange(1, 20), draw.sample(_ITEMS, draw.randrange(1, 3))
    return Order(
        id=f"A-{1000 + number}",
        customer=f"{first} {last}",
        email=f"{first}.{last}@mail.example".lower(),
        items=tuple(items),
        status=draw.choice(_STATES),
        shipped=f"2026-11-{shipped:02d}",
        arrives=f"2026-11-{shipped + draw.randrange(2, 6):02d}",
    )
