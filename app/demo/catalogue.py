"""What the demo's two brands sell: a studio with treatments and a shelf of its own, and an outdoor shop."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Product:
    sku: str
    category: str
    label: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Treatment:
    name: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Shop:
    """A brand as its customers know it; `slug` is the brand's."""

    slug: str
    name: str
    sender_email: str
    products: tuple[Product, ...]
    treatments: tuple[Treatment, ...] = ()


def _product(sku: str, category: str, label: str, price: str) -> Product:
    return Product(sku, category, label, Decimal(price))


STUDIO = Shop(
    "default",
    "Juniper Studio",
    "hello@juniper.example.com",
    (
        _product("JUN-OIL-50", "Oils", "Juniper", "24.00"),
        _product("JUN-OIL-100", "Oils", "Juniper", "39.00"),
        _product("MOO-SOAP-3", "Bath", "Moor & Moss", "18.50"),
        _product("MOO-SALT-500", "Bath", "Moor & Moss", "16.90"),
        _product("MOO-ROBE-M", "Bath", "Moor & Moss", "89.00"),
        _product("CAL-CANDLE-1", "Candles", "Calda", "21.00"),
        _product("CAL-CANDLE-3", "Candles", "Calda", "54.00"),
        _product("CAL-TEA-100", "Tea", "Calda", "12.40"),
        _product("JUN-GIFT-50", "Gift cards", "Juniper", "50.00"),
    ),
    (
        Treatment("Massage", Decimal("85.00")),
        Treatment("Short massage", Decimal("49.00")),
        Treatment("Facial", Decimal("72.00")),
        Treatment("Sauna evening", Decimal("38.00")),
        Treatment("Consultation", Decimal("0.00")),
    ),
)
OUTDOOR = Shop(
    "saltmarsh",
    "Saltmarsh Outdoor",
    "post@saltmarsh.example.com",
    (
        _product("SAL-JACKET-1", "Jackets", "Saltmarsh", "149.00"),
        _product("FJE-JACKET-2", "Jackets", "Fjell", "229.00"),
        _product("FJE-BOOT-42", "Boots", "Fjell", "169.00"),
        _product("RID-TENT-2", "Tents", "Ridgeway", "259.00"),
        _product("RID-PACK-30", "Backpacks", "Ridgeway", "94.00"),
        _product("SAL-BOTTLE-1", "Kitchen", "Saltmarsh", "27.50"),
        _product("SAL-STOVE-1", "Kitchen", "Saltmarsh", "64.00"),
        _product("RID-LAMP-1", "Lamps", "Ridgeway", "34.90"),
        _product("SAL-SOCKS-2", "Clothing", "Saltmarsh", "19.80"),
    ),
)
SHOPS = (STUDIO, OUTDOOR)
