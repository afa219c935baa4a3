"""The guestbook: what is in the database, and which migrations that had when this process began."""

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.shortcuts import redirect, render

from notes.models import Note

MIGRATIONS = sorted(name for app, name in MigrationRecorder(connection).applied_migrations() if app == "notes")


def index(request):
    if request.method == "POST":
        Note.objects.create(text=request.POST["text"])
        return redirect("/")
    return render(request, "notes/index.html", {"notes": Note.objects.all(), "migrations": MIGRATIONS})
