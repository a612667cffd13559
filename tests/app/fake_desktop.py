"""A desktop that a test plays, as a program on a bus: the portal (settings, dialogs, inhibitions) and notifications. Told what to do by lines of JSON on its
standard input, it says what was asked of it on its standard output. The first argument is JSON, too:
  appearance  {key: number} of org.freedesktop.appearance      older   no ReadOne, as portals were before version 2
  hangs       answers nothing                                  hasty   dialogs answer before the call that opens them does
  names       which of the two it is; both, if not given       refuses dialogs and inhibitions are refused
"""

import json
import sys
import threading

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

PORTAL, NOTICES = "org.freedesktop.portal.Desktop", "org.freedesktop.Notifications"
APPEARANCE = "org.freedesktop.appearance"
WAYS = json.loads(sys.argv[1])


def say(**what):
    print(json.dumps(what), flush=True)


def plain(value):
    """Of D-Bus's types, what JSON has."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return int(value) if isinstance(value, int) else str(value)


def typed(value):
    """Numbers as the portal has them."""
    return dbus.UInt32(value) if isinstance(value, int) else value


class Request(dbus.service.Object):
    @dbus.service.signal("org.freedesktop.portal.Request", signature="ua{sv}")
    def Response(self, how, results):
        pass

    @dbus.service.method("org.freedesktop.portal.Request")
    def Close(self):
        say(closed=self.path)
        self.remove_from_connection()


class Portal(dbus.service.Object):
    requests = {}

    def value(self, space, key):
        if space != APPEARANCE or key not in WAYS.get("appearance", {}):
            raise dbus.exceptions.DBusException("no such setting", name="org.freedesktop.portal.Error.NotFound")
        return typed(WAYS["appearance"][key])

    def answer(self, done, value):
        if not WAYS.get("hangs"):
            done(value)

    def read(self, space, key, done, failed, wrap):
        try:
            self.answer(done, wrap(self.value(space, key)))
        except dbus.exceptions.DBusException as error:
            self.answer(failed, error)

    @dbus.service.method("org.freedesktop.portal.Settings", in_signature="ss", out_signature="v", async_callbacks=("done", "failed"))
    def ReadOne(self, space, key, done, failed):
        if WAYS.get("older"):
            return failed(dbus.exceptions.DBusException("no such method", name="org.freedesktop.DBus.Error.UnknownMethod"))
        self.read(space, key, done, failed, lambda value: value)

    @dbus.service.method("org.freedesktop.portal.Settings", in_signature="ss", out_signature="v", async_callbacks=("done", "failed"))
    def Read(self, space, key, done, failed):
        self.read(space, key, done, failed, lambda value: type(value)(value, variant_level=1))

    @dbus.service.signal("org.freedesktop.portal.Settings", signature="ssv")
    def SettingChanged(self, space, key, value):
        pass

    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="ss", out_signature="v", async_callbacks=("done", "failed"))
    def Get(self, interface, name, done, failed):
        if WAYS.get("refuses"):
            return failed(dbus.exceptions.DBusException("no such interface", name="org.freedesktop.DBus.Error.InvalidArgs"))
        self.answer(done, dbus.UInt32(3))

    def open(self, what, sender, window, title, options, done, failed):
        path = f"/org/freedesktop/portal/desktop/request/{sender[1:].replace('.', '_')}/{options['handle_token']}"
        request = Request(self.connection, path)
        request.path = path
        self.requests[path] = request
        folder = bytes(options.pop("current_folder", b"")).decode()
        if WAYS.get("refuses"):
            return failed(dbus.exceptions.DBusException("not today"))
        if WAYS.get("hasty"):
            request.Response(dbus.UInt32(0), {"uris": dbus.Array(WAYS["hasty"], signature="s")})
        self.answer(done, dbus.ObjectPath(path))
        say(asked=what, title=str(title), options=plain(options), folder=folder, request=path)

    @dbus.service.method("org.freedesktop.portal.FileChooser", in_signature="ssa{sv}", out_signature="o", sender_keyword="sender", async_callbacks=("done", "failed"))
    def OpenFile(self, window, title, options, sender, done, failed):
        self.open("OpenFile", sender, window, title, options, done, failed)

    @dbus.service.method("org.freedesktop.portal.FileChooser", in_signature="ssa{sv}", out_signature="o", sender_keyword="sender", async_callbacks=("done", "failed"))
    def SaveFile(self, window, title, options, sender, done, failed):
        self.open("SaveFile", sender, window, title, options, done, failed)

    @dbus.service.method("org.freedesktop.portal.Inhibit", in_signature="sua{sv}", out_signature="o", sender_keyword="sender", async_callbacks=("done", "failed"))
    def Inhibit(self, window, flags, options, sender, done, failed):
        self.open("Inhibit", sender, window, int(flags), options, done, failed)


class Notices(dbus.service.Object):
    shown = 0

    @dbus.service.method(NOTICES, in_signature="susssasa{sv}i", out_signature="u")
    def Notify(self, program, replaces, icon, title, text, actions, hints, time_out):
        Notices.shown += 1
        say(notified=[str(title), str(text)], id=Notices.shown, program=str(program), actions=plain(actions))
        return dbus.UInt32(Notices.shown)

    @dbus.service.method(NOTICES, in_signature="u")
    def CloseNotification(self, number):
        say(withdrawn=int(number))

    @dbus.service.signal(NOTICES, signature="us")
    def ActionInvoked(self, number, action):
        pass


DBusGMainLoop(set_as_default=True)
bus = dbus.SessionBus()
objects = {}
for name, kind, path in ((PORTAL, Portal, "/org/freedesktop/portal/desktop"), (NOTICES, Notices, "/org/freedesktop/Notifications")):
    if name in WAYS.get("names", [PORTAL, NOTICES]):
        objects[name] = kind(bus, path)  # before its name, under which somebody may wait for it
        objects[name].name = dbus.service.BusName(name, bus)


def obey(order):
    """A line: what is to be done, and with what."""
    what, *values = order
    portal = objects.get(PORTAL)
    if what == "set":
        WAYS.setdefault("appearance", {})[values[0]] = values[1]
        portal.SettingChanged(APPEARANCE, values[0], typed(values[1]))
    elif what == "change":  # as it is, also of others
        portal.SettingChanged(*values)
    elif what == "respond":
        path, how, results = values
        portal.requests[path].Response(dbus.UInt32(how), {key: dbus.Array(value, signature="s") if isinstance(value, list) else value for key, value in results.items()})
    elif what == "click":
        objects[NOTICES].ActionInvoked(dbus.UInt32(values[0]), values[1])


def listen():
    for line in sys.stdin:
        GLib.idle_add(obey, json.loads(line))
    GLib.idle_add(loop.quit)


loop = GLib.MainLoop()
threading.Thread(target=listen, daemon=True).start()
say(ready=True)
loop.run()
