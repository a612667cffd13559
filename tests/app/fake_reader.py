"""A screen reader that a test plays, as a program: the client library of AT-SPI2 (gir1.2-atspi-2.0), through which Orca sees programs. Told what to do by lines of
JSON on its standard input, it answers each by one on its standard output, and says there what it hears. The first argument is JSON: the events that it listens to.
"""

import json
import sys
import threading

import gi
gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib

STATES = ["active", "checked", "editable", "enabled", "focusable", "focused", "modal", "multi_line", "selectable", "selected", "sensitive", "showing", "single_line", "visible", "read_only"]


def say(**what):
    print(json.dumps(what), flush=True)


def application():
    """Of those that the registry knows."""
    desktop = Atspi.get_desktop(0)
    found = [desktop.get_child_at_index(i) for i in range(desktop.get_child_count())]
    return next((one for one in found if one is not None and one.get_name() == "Foreword"), None)


def told(node):
    states = node.get_state_set()
    return {"id": node.get_accessible_id(), "role": node.get_role_name(), "name": node.get_name(), "path": node.path,
            "states": [name for name in STATES if states.contains(getattr(Atspi.StateType, name.upper()))]}


def tree(node):
    children = [node.get_child_at_index(i) for i in range(node.get_child_count())]
    return told(node) | {"children": [tree(child) for child in children if child is not None]}


def find(node, name):
    """By its id."""
    if node.get_accessible_id() == name:
        return node
    children = (node.get_child_at_index(i) for i in range(node.get_child_count()))
    return next((found for child in children if child is not None and (found := find(child, name))), None)


def part(piece):
    return [piece.content, piece.start_offset, piece.end_offset]


def text(node, at):
    selection = Atspi.Text.get_selection(node, 0) if Atspi.Text.get_n_selections(node) else None
    return {"text": Atspi.Text.get_text(node, 0, -1), "caret": Atspi.Text.get_caret_offset(node), "count": Atspi.Text.get_character_count(node),
            "selected": selection and [selection.start_offset, selection.end_offset],
            "parts": [part(Atspi.Text.get_string_at_offset(node, at, unit)) for unit in (Atspi.TextGranularity.CHAR, Atspi.TextGranularity.WORD, Atspi.TextGranularity.LINE)]}


def call(path, interface, method, signature, values):
    """As nobody should: what came of it, or the error's name."""
    bus = Gio.DBusConnection.new_for_address_sync(address(), Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
    try:
        return bus.call_sync(application().app.bus_name, path, interface, method, GLib.Variant(signature, tuple(values)), None, Gio.DBusCallFlags.NONE, 60_000, None).unpack()
    except GLib.Error as error:
        return Gio.DBusError.get_remote_error(error)


def address():
    session = Gio.bus_get_sync(Gio.BusType.SESSION)
    return session.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", None, None, Gio.DBusCallFlags.NONE, 60_000, None).unpack()[0]


def registry():
    """The number of its process."""
    bus = Gio.DBusConnection.new_for_address_sync(address(), Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
    return bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetConnectionUnixProcessID", GLib.Variant("(s)", ("org.a11y.atspi.Registry",)), None, Gio.DBusCallFlags.NONE, 60_000, None).unpack()[0]


def enable(on):
    session = Gio.bus_get_sync(Gio.BusType.SESSION)
    session.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.freedesktop.DBus.Properties", "Set", GLib.Variant("(ssv)", ("org.a11y.Status", "IsEnabled", GLib.Variant("b", on))), None, Gio.DBusCallFlags.NONE, 60_000, None)


def extents(node):
    box = Atspi.Component.get_extents(node, Atspi.CoordType.SCREEN)
    return [box.x, box.y, box.width, box.height]


ORDERS = {
    "tree": lambda: (top := application()) and tree(top),
    "text": lambda name, at: text(find(application(), name), at),
    "press": lambda name: Atspi.Action.do_action(find(application(), name), 0),
    "focus": lambda name: Atspi.Component.grab_focus(find(application(), name)),
    "extents": lambda name: extents(find(application(), name)),
    "at": lambda x, y: told(Atspi.Component.get_accessible_at_point(application().get_child_at_index(0), x, y, Atspi.CoordType.SCREEN)),
    "call": call,
    "registry": registry,
    "enable": enable,
}


def obey(order):
    what, *values = order
    try:
        say(answer=ORDERS[what](*values))
    except Exception as error:  # the test says what that means
        say(answer=None, error=str(error))


def heard(event):
    try:
        say(event=event.type, id=event.source.get_accessible_id(), name=event.source.get_name(), first=event.detail1, value=event.any_data if isinstance(event.any_data, (str, int)) else None)
    except GLib.Error:
        say(event=event.type)


def listen():
    for line in sys.stdin:
        GLib.idle_add(obey, json.loads(line))
    GLib.idle_add(Atspi.event_quit)


Atspi.init()
listener = Atspi.EventListener.new(heard)
for name in json.loads(sys.argv[1]):
    listener.register(name)
say(ready=True)
threading.Thread(target=listen, daemon=True).start()
Atspi.event_main()
