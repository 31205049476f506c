// Every text of the pages, in every language. Keys are area.meaning.
export const strings = {
  "nav.search": { en: "Search", de: "Suche" },
  "nav.annotate": { en: "Annotate", de: "Annotieren" },
  "nav.atlas": { en: "Atlas", de: "Atlas" },
  "nav.reviews": { en: "Reviews", de: "Prüfung" },
  "nav.datasets": { en: "Datasets", de: "Datensätze" },
  "nav.admin": { en: "Administration", de: "Verwaltung" },
  "nav.account": { en: "Account", de: "Konto" },
  "nav.sign_out": { en: "Sign out", de: "Abmelden" },
  "nav.main": { en: "Main", de: "Hauptmenü" },
  "nav.skip": { en: "Skip to the content", de: "Zum Inhalt" },
  "nav.dataset": { en: "Dataset", de: "Datensatz" },
  "nav.language": { en: "Language", de: "Sprache" },
  "common.cancel": { en: "Cancel", de: "Abbrechen" },
  "common.close": { en: "Close", de: "Schließen" },
  "common.save": { en: "Save", de: "Speichern" },
  "common.delete": { en: "Delete", de: "Löschen" },
  "common.remove": { en: "Remove", de: "Entfernen" },
  "common.loading": { en: "Loading…", de: "Wird geladen …" },
  "common.retry": { en: "Try again", de: "Noch einmal" },
  "common.more": { en: "Show more", de: "Mehr zeigen" },
  "error.offline": {
    en: "The server does not answer. What you did last may not be saved.",
    de: "Der Server antwortet nicht. Das Letzte ist vielleicht nicht gespeichert.",
  },
  "error.expired": {
    en: "Your session has ended. Sign in again; this page stays as it is.",
    de: "Die Sitzung ist abgelaufen. Bitte neu anmelden; die Seite bleibt, wie sie ist.",
  },
  "error.no_page": { en: "There is no such page.", de: "Diese Seite gibt es nicht." },
  "error.no_dataset": {
    en: "There is no dataset {name}, or you may not see it. Ask its manager for access.",
    de: "Den Datensatz {name} gibt es nicht, oder Sie dürfen ihn nicht sehen.",
  },
  "viewer.label": { en: "Viewer of {name}", de: "Betrachter von {name}" },
  "viewer.loading": { en: "Loading the viewer…", de: "Betrachter wird geladen …" },

  // sign-in, account

  // end of sign-in, account

  // search

  // end of search

  // saved searches

  // end of saved searches

  // annotate: tools and table
  "annotate.tabs": { en: "Parts of the page", de: "Teile der Seite" },
  "annotate.tab_annotations": { en: "Annotations", de: "Annotationen" },
  "annotate.tab_atlas": { en: "Atlas", de: "Atlas" },
  "annotate.tab_segments": { en: "Segments", de: "Segmente" },
  "annotate.tab_layers": { en: "Layers and napari", de: "Ebenen und napari" },
  "annotate.reader": {
    en: "You may look at everything here. To change something, ask a manager of the dataset for the role annotator.",
    de: "Sie können hier alles ansehen. Zum Ändern brauchen Sie die Rolle „annotator“; die Verwalter des Datensatzes vergeben sie.",
  },
  "annotate.tools": { en: "Tools", de: "Werkzeuge" },
  "annotate.tool": { en: "Tool", de: "Werkzeug" },
  "annotate.point": { en: "Point", de: "Punkt" },
  "annotate.line": { en: "Line", de: "Linie" },
  "annotate.sphere": { en: "Sphere", de: "Kugel" },
  "annotate.box": { en: "Box", de: "Quader" },
  "annotate.place_at_crosshair": { en: "Place at the crosshair", de: "Im Fadenkreuz setzen" },
  "annotate.begin_at_crosshair": { en: "Begin at the crosshair", de: "Im Fadenkreuz beginnen" },
  "annotate.end_at_crosshair": { en: "End at the crosshair", de: "Im Fadenkreuz beenden" },
  "annotate.hint_point": {
    en: "Ctrl+click in the viewer places a point.",
    de: "Strg+Klick im Betrachter setzt einen Punkt.",
  },
  "annotate.hint_first": {
    en: "{kind}: Ctrl+click both ends in the viewer.",
    de: "{kind}: beide Enden im Betrachter mit Strg anklicken.",
  },
  "annotate.hint_second": {
    en: "{kind}: Ctrl+click the other end. Escape cancels.",
    de: "{kind}: das andere Ende mit Strg anklicken. Escape bricht ab.",
  },
  "annotate.length": { en: "Length {nm} nm", de: "Länge {nm} nm" },
  "annotate.diameter": { en: "Diameter {nm} nm", de: "Durchmesser {nm} nm" },
  "annotate.edges": { en: "Edges z {z}, y {y}, x {x} nm", de: "Kanten z {z}, y {y}, x {x} nm" },
  "annotate.undo": { en: "Undo", de: "Rückgängig" },
  "annotate.undone": { en: "Taken back: {what}", de: "Zurückgenommen: {what}" },
  "annotate.made": { en: "Made: {what}", de: "Angelegt: {what}" },
  "annotate.changed_one": { en: "Changed: {what}", de: "Geändert: {what}" },
  "annotate.deleted_one": { en: "Deleted: {what}", de: "Gelöscht: {what}" },
  "annotate.changed_many": { en: "Annotations changed: {n}", de: "Annotationen geändert: {n}" },
  "annotate.deleted_many": { en: "Annotations deleted: {n}", de: "Annotationen gelöscht: {n}" },
  "annotate.some_failed": {
    en: "{n} could not be changed. The first: {why}",
    de: "{n} ließen sich nicht ändern. Die erste: {why}",
  },
  "annotate.new_ones": { en: "New ones get", de: "Neue erhalten" },
  "annotate.nothing": { en: "nothing", de: "nichts" },
  "annotate.title": { en: "Title", de: "Titel" },
  "annotate.tags": { en: "Tags", de: "Schlagwörter" },
  "annotate.tags_hint": { en: "With commas between", de: "Durch Kommas getrennt" },
  "annotate.colour_class": { en: "Colour class", de: "Farbklasse" },
  "annotate.no_class": { en: "none", de: "keine" },
  "annotate.new_class": { en: "Another one…", de: "Eine andere …" },
  "annotate.layer_own": { en: "own annotations", de: "eigene Annotationen" },
  "annotate.layer_of": { en: "annotations of {name}", de: "Annotationen von {name}" },
  "annotate.layer_newest": { en: "new", de: "neu" },
  "annotate.layer_chosen": { en: "chosen", de: "gewählt" },
  "annotate.list": { en: "List of annotations", de: "Liste der Annotationen" },
  "annotate.count": { en: "Annotations: {n}", de: "Annotationen: {n}" },
  "annotate.count_more": { en: "Annotations: more than {n}", de: "Annotationen: mehr als {n}" },
  "annotate.columns": { en: "Columns", de: "Spalten" },
  "annotate.columns_hint": {
    en: "The title is always shown. This browser remembers your choice.",
    de: "Der Titel steht immer da. Dieser Browser merkt sich die Auswahl.",
  },
  "annotate.column_kind": { en: "Kind", de: "Art" },
  "annotate.column_size": { en: "Size (nm)", de: "Größe (nm)" },
  "annotate.column_place": { en: "Voxel (z, y, x)", de: "Voxel (z, y, x)" },
  "annotate.column_place_nm": { en: "Place in nm (z, y, x)", de: "Ort in nm (z, y, x)" },
  "annotate.column_tags": { en: "Tags", de: "Schlagwörter" },
  "annotate.column_colour_class": { en: "Colour class", de: "Farbklasse" },
  "annotate.column_owner": { en: "Owner", de: "Von" },
  "annotate.column_atlas_state": { en: "In the atlas", de: "Im Atlas" },
  "annotate.column_description": { en: "Description", de: "Beschreibung" },
  "annotate.column_created": { en: "Made", de: "Angelegt" },
  "annotate.column_changed": { en: "Changed", de: "Geändert" },
  "annotate.column_revision": { en: "Revision", de: "Fassung" },
  "annotate.filter_text": {
    en: "Text in title, description or tags",
    de: "Text in Titel, Beschreibung oder Schlagwort",
  },
  "annotate.filter_tag": { en: "Tag", de: "Schlagwort" },
  "annotate.filter_kind": { en: "Kind", de: "Art" },
  "annotate.filter_owner": { en: "Owner", de: "Von" },
  "annotate.filter_atlas_state": { en: "State in the atlas", de: "Stand im Atlas" },
  "annotate.filter_colour_class": { en: "Colour class", de: "Farbklasse" },
  "annotate.filter_z": { en: "Slices z", de: "Schnitte z" },
  "annotate.filter_remove": { en: "Without this filter: {name}", de: "Ohne diesen Filter: {name}" },
  "annotate.filter_none": { en: "Without filters", de: "Ohne Filter" },
  "annotate.placeholder_text": { en: "Text", de: "Text" },
  "annotate.placeholder_tag": { en: "Tag", de: "Schlagwort" },
  "annotate.z_from": { en: "From slice z", de: "Ab Schnitt z" },
  "annotate.z_to": { en: "To slice z", de: "Bis Schnitt z" },
  "annotate.any": { en: "any", de: "alle" },
  "annotate.selected": { en: "Selected: {n}", de: "Ausgewählt: {n}" },
  "annotate.select_all": { en: "Select all that fit", de: "Alle passenden auswählen" },
  "annotate.select_none": { en: "Select none", de: "Keine auswählen" },
  "annotate.select_page": {
    en: "Select all own ones on this page",
    de: "Alle eigenen dieser Seite auswählen",
  },
  "annotate.select_one": { en: "Select {what}", de: "{what} auswählen" },
  "annotate.bulk_edit": { en: "Tags, class…", de: "Schlagwörter, Klasse …" },
  "annotate.bulk_title": { en: "Change annotations: {n}", de: "Annotationen ändern: {n}" },
  "annotate.tags_add": { en: "Add tags", de: "Schlagwörter hinzufügen" },
  "annotate.tags_remove": { en: "Remove tags", de: "Schlagwörter entfernen" },
  "annotate.as_it_is": { en: "as it is", de: "wie bisher" },
  "annotate.change": { en: "Change", de: "Ändern" },
  "annotate.none_fit": {
    en: "No annotation fits these filters.",
    de: "Keine Annotation passt zu diesen Filtern.",
  },
  "annotate.none_yet": {
    en: "There are no annotations yet. Choose a tool and Ctrl+click in the viewer.",
    de: "Noch gibt es keine Annotationen. Wählen Sie ein Werkzeug und klicken Sie mit Strg in den Betrachter.",
  },
  "annotate.none_shared": {
    en: "There are no annotations that you may see.",
    de: "Es gibt keine Annotationen, die Sie sehen dürfen.",
  },
  "annotate.pages": { en: "Pages of the list", de: "Seiten der Liste" },
  "annotate.previous": { en: "Previous", de: "Zurück" },
  "annotate.next": { en: "Next", de: "Weiter" },
  "annotate.range": { en: "{first} to {last}", de: "{first} bis {last}" },
  "annotate.place_voxels": { en: "Voxel (z, y, x)", de: "Voxel (z, y, x)" },
  "annotate.place_nm": { en: "nm (z, y, x)", de: "nm (z, y, x)" },
  "annotate.radius": { en: "Radius (nm)", de: "Radius (nm)" },
  "annotate.go": { en: "Go there", de: "Dorthin" },
  "annotate.edit": { en: "Edit", de: "Bearbeiten" },
  "annotate.history": { en: "History", de: "Verlauf" },
  "annotate.of_other": {
    en: "This annotation is {name}’s: you can see it, and only they can change it.",
    de: "Diese Annotation gehört {name}: Sie können sie sehen, aber nicht ändern.",
  },
  "annotate.action_created": { en: "Made", de: "Angelegt" },
  "annotate.action_updated": { en: "Changed", de: "Geändert" },
  "annotate.action_deleted": { en: "Deleted", de: "Gelöscht" },
  "annotate.action_undone": { en: "Taken back", de: "Zurückgenommen" },
  "annotate.whose": {
    en: "Others whose annotations are seen: {n}",
    de: "Andere, deren Annotationen zu sehen sind: {n}",
  },
  "annotate.whose_seen": { en: "Show annotations of", de: "Zeige Annotationen von" },
  "annotate.my_own": { en: "my own", de: "mir selbst" },
  "annotate.share_own": {
    en: "Groups that see my annotations of this dataset",
    de: "Gruppen, die meine Annotationen dieses Datensatzes sehen",
  },
  "annotate.shared_with": { en: "mine are shown to {groups}", de: "meine sieht {groups}" },
  // end of annotate: tools and table

  // annotate: import and export
  "annotate.import": { en: "Import", de: "Import" },
  "annotate.export": { en: "Export", de: "Export" },
  "annotate.import_title": { en: "Import annotations", de: "Annotationen importieren" },
  "annotate.export_title": { en: "Export annotations", de: "Annotationen exportieren" },
  "annotate.export_count": {
    en: "Annotations that fit the filters: {n}",
    de: "Annotationen, die zu den Filtern passen: {n}",
  },
  "annotate.export_count_more": {
    en: "Annotations that fit the filters: more than {n}",
    de: "Annotationen, die zu den Filtern passen: mehr als {n}",
  },
  "annotate.format": { en: "Format", de: "Format" },
  "annotate.format_csv": { en: "CSV", de: "CSV" },
  "annotate.format_json": { en: "JSON", de: "JSON" },
  "annotate.format_neuroglancer": { en: "neuroglancer (JSON)", de: "neuroglancer (JSON)" },
  "annotate.format_dvid": { en: "DVID bookmarks (JSON)", de: "DVID-Lesezeichen (JSON)" },
  "annotate.format_napari": { en: "napari points (CSV)", de: "napari-Punkte (CSV)" },
  "annotate.points_only": {
    en: "This format holds points alone; lines, spheres and boxes are left out.",
    de: "Dieses Format kennt nur Punkte; Linien, Kugeln und Quader bleiben weg.",
  },
  "annotate.download": { en: "Download", de: "Herunterladen" },
  "annotate.file": { en: "File", de: "Datei" },
  "annotate.file_hint": {
    en: "CSV or JSON of emqs, of neuroglancer (state, layer, link), DVID bookmarks, napari points. Nothing is changed before you have seen the preview.",
    de: "CSV oder JSON von emqs, von neuroglancer (Zustand, Ebene, Link), DVID-Lesezeichen, napari-Punkte. Vor der Vorschau wird nichts geändert.",
  },
  "annotate.as_new": {
    en: "Make copies, also of annotations that are there already",
    de: "Kopien anlegen, auch von schon vorhandenen Annotationen",
  },
  "annotate.preview": { en: "What would change", de: "Was sich ändern würde" },
  "annotate.what_was_done": { en: "What was done", de: "Was geschehen ist" },
  "annotate.status_created": { en: "New: {n}", de: "Neu: {n}" },
  "annotate.status_updated": { en: "Changed: {n}", de: "Geändert: {n}" },
  "annotate.status_unchanged": { en: "Unchanged: {n}", de: "Unverändert: {n}" },
  "annotate.status_existing": { en: "There already: {n}", de: "Schon vorhanden: {n}" },
  "annotate.status_failed": { en: "Errors, left out: {n}", de: "Fehler, werden ausgelassen: {n}" },
  "annotate.status_not_written": { en: "Not written: {n}", de: "Nicht geschrieben: {n}" },
  "annotate.empty_file": {
    en: "The file holds no annotations.",
    de: "Die Datei enthält keine Annotationen.",
  },
  "annotate.errors": { en: "Rows with errors", de: "Zeilen mit Fehlern" },
  "annotate.row": { en: "Row", de: "Zeile" },
  "annotate.error": { en: "Error", de: "Fehler" },
  "annotate.more_errors": { en: "And further rows with errors: {n}", de: "Weitere Zeilen mit Fehlern: {n}" },
  "annotate.import_do": { en: "Import {n}", de: "{n} importieren" },
  "annotate.imported": { en: "Annotations imported: {n}", de: "Annotationen importiert: {n}" },
  // end of annotate: import and export

  // annotate: atlas tab
  "annotate.to_atlas": { en: "To the atlas…", de: "In den Atlas …" },
  "annotate.submit": { en: "Submit to the atlas", de: "Beim Atlas einreichen" },
  "annotate.submit_hint": {
    en: "An entry needs a title and a description. A reviewer looks at it before others see it.",
    de: "Ein Eintrag braucht Titel und Beschreibung. Er wird geprüft, bevor andere ihn sehen.",
  },
  "annotate.annotation": { en: "Annotation", de: "Annotation" },
  "annotate.choose": { en: "Choose one of your annotations", de: "Eine eigene Annotation wählen" },
  "annotate.letters": { en: "Characters: {n}", de: "Zeichen: {n}" },
  "annotate.is_now": { en: "In the atlas: {state}", de: "Im Atlas: {state}" },
  "annotate.submit_do": { en: "Submit", de: "Einreichen" },
  "annotate.submit_again": { en: "Submit again", de: "Erneut einreichen" },
  "annotate.submitted": { en: "Submitted for review", de: "Zur Prüfung eingereicht" },
  "annotate.own_entries": { en: "My entries", de: "Meine Einträge" },
  "annotate.no_entries": {
    en: "You have submitted nothing to the atlas yet.",
    de: "Sie haben noch nichts beim Atlas eingereicht.",
  },
  "annotate.withdraw": { en: "Withdraw", de: "Zurückziehen" },
  "annotate.withdrawn": { en: "Withdrawn", de: "Zurückgezogen" },
  "annotate.reviewed_by": { en: "reviewed by {name}", de: "geprüft von {name}" },
  "annotate.discussion": { en: "Discussion", de: "Gespräch" },
  "annotate.comment": { en: "Comment", de: "Kommentar" },
  "annotate.comment_do": { en: "Add the comment", de: "Kommentar hinzufügen" },
  "annotate.state_submitted": { en: "submitted", de: "eingereicht" },
  "annotate.state_changes_requested": { en: "changes asked for", de: "Änderungen erbeten" },
  "annotate.state_accepted": { en: "accepted", de: "angenommen" },
  "annotate.state_rejected": { en: "rejected", de: "abgelehnt" },
  "annotate.state_withdrawn": { en: "withdrawn", de: "zurückgezogen" },
  "annotate.state_superseded": { en: "replaced", de: "ersetzt" },
  "annotate.state_open": { en: "open", de: "offen" },
  "annotate.state_applied": { en: "applied", de: "übernommen" },
  // end of annotate: atlas tab

  // annotate: segments
  "segments.layer": { en: "Layer", de: "Ebene" },
  "segments.selected": { en: "Selected segments", de: "Ausgewählte Segmente" },
  "segments.hint": {
    en: "Double-click segments in the viewer. The first one names the result of a merge.",
    de: "Segmente im Betrachter doppelt anklicken. Das erste gibt dem Ergebnis den Namen.",
  },
  "segments.first": { en: "(first)", de: "(erstes)" },
  "segments.merged_of": { en: "of {n} segments", de: "aus {n} Segmenten" },
  "segments.none_selected": { en: "No segment is selected.", de: "Kein Segment ist ausgewählt." },
  "segments.number": { en: "Segment number", de: "Nummer des Segments" },
  "segments.add": { en: "Add", de: "Hinzufügen" },
  "segments.deselect": { en: "Deselect {number}", de: "{number} abwählen" },
  "segments.deselect_all": { en: "Deselect all", de: "Alle abwählen" },
  "segments.merge": { en: "Merge", de: "Vereinen" },
  "segments.unmerge": { en: "Unmerge", de: "Trennen" },
  "segments.unmerge_group": { en: "Unmerge the segments of {number}", de: "Segmente von {number} trennen" },
  "segments.merged": { en: "Merged {n} segments onto {first}", de: "{n} Segmente zu {first} vereint" },
  "segments.unmerged": { en: "Segments taken apart", de: "Segmente getrennt" },
  "segments.merges": { en: "My merges", de: "Meine Vereinigungen" },
  "segments.no_merges": {
    en: "Nothing is merged. Others see your merges after they were submitted and accepted.",
    de: "Nichts ist vereint. Andere sehen Vereinigungen erst, wenn sie eingereicht und angenommen sind.",
  },
  "segments.outdated": {
    en: "The segmentation is at version {version} now, and some of your merges are older. Look whether they still hold.",
    de: "Die Segmentierung hat jetzt die Fassung {version}; manche Vereinigungen sind älter. Prüfen Sie, ob sie noch stimmen.",
  },
  "segments.confirm": { en: "They still hold", de: "Sie stimmen noch" },
  "segments.redo": { en: "Redo", de: "Wiederholen" },
  "segments.clear": { en: "Forget all", de: "Alle verwerfen" },
  "segments.clear_asks": {
    en: "All of your merges of this layer are forgotten, and there is no undo. Requests that you have sent stay.",
    de: "Alle Ihre Vereinigungen dieser Ebene werden endgültig verworfen. Gestellte Anträge bleiben.",
  },
  "segments.steps": { en: "Steps: {n}", de: "Schritte: {n}" },
  "segments.action_merge": { en: "Merged", de: "Vereint" },
  "segments.action_split": { en: "Taken apart", de: "Getrennt" },
  "segments.undone": { en: "taken back", de: "zurückgenommen" },
  "segments.old_version": { en: "over version {version}", de: "über Fassung {version}" },
  "segments.pulls": { en: "My pull requests", de: "Meine Anträge" },
  "segments.pull_hint": {
    en: "Ask for your merges to be taken over for all.",
    de: "Beantragen Sie, dass Ihre Vereinigungen für alle gelten.",
  },
  "segments.pull_do": { en: "Submit the pull request", de: "Antrag stellen" },
  "segments.pull_sent": { en: "The pull request is submitted", de: "Der Antrag ist gestellt" },
  "segments.no_pulls": {
    en: "You have sent no pull request of this layer.",
    de: "Sie haben zu dieser Ebene noch keinen Antrag gestellt.",
  },
  "segments.no_pulls_yet": {
    en: "Merge segments first; then you can submit them as a pull request.",
    de: "Vereinen Sie zuerst Segmente; dann können Sie sie als Antrag einreichen.",
  },
  "segments.renew": { en: "Renew with my merges of now", de: "Mit jetzigen Vereinigungen erneuern" },
  "segments.conflict": { en: "Conflict", de: "Konflikt" },
  "segments.connections": { en: "Connections (neuPrint)", de: "Verbindungen (neuPrint)" },
  "segments.connections_ask": {
    en: "Show connections of the selected",
    de: "Verbindungen der ausgewählten zeigen",
  },
  "segments.in_neuprint": { en: "{body} in neuPrint", de: "{body} in neuPrint" },
  "segments.inputs": { en: "Inputs", de: "Eingänge" },
  "segments.outputs": { en: "Outputs", de: "Ausgänge" },
  "segments.no_partners": { en: "None.", de: "Keine." },
  "segments.body": { en: "Body", de: "Körper" },
  "segments.partner": { en: "Partner", de: "Partner" },
  "segments.type": { en: "Type", de: "Typ" },
  "segments.weight": { en: "Synapses", de: "Synapsen" },
  "layers.napari_hint": {
    en: "A script that opens the data around the crosshair in napari, and sends labels back.",
    de: "Ein Skript, das die Daten um das Fadenkreuz in napari öffnet und Beschriftungen zurücksendet.",
  },
  "layers.edge": { en: "Edge in voxels", de: "Kante in Voxeln" },
  "layers.slices": { en: "Slices", de: "Schnitte" },
  "layers.napari_download": { en: "Download napari.py", de: "napari.py herunterladen" },
  "layers.own": { en: "My layers", de: "Meine Ebenen" },
  "layers.none": { en: "You have no layers of your own.", de: "Sie haben keine eigenen Ebenen." },
  "layers.show": { en: "Show", de: "Zeigen" },
  "layers.delete_one": { en: "Delete the layer {name}", de: "Ebene {name} löschen" },
  "layers.delete_asks": {
    en: "The layer is gone for good, with your merges of it.",
    de: "Die Ebene ist endgültig fort, mit Ihren Vereinigungen darin.",
  },
  "layers.deleted": { en: "Deleted: layer {name}", de: "Gelöscht: Ebene {name}" },
  "layers.upload": { en: "Upload a label layer", de: "Label-Ebene hochladen" },
  "layers.file": { en: "File of labels", de: "Label-Datei" },
  "layers.file_hint": {
    en: ".npy or TIFF: axes Z Y X, whole numbers, voxels of this dataset.",
    de: ".npy oder TIFF: Achsen Z Y X, ganze Zahlen, Voxel dieses Datensatzes.",
  },
  "layers.name": { en: "Name", de: "Name" },
  "layers.name_hint": {
    en: "Letters, digits, dot, dash and underscore; no spaces.",
    de: "Buchstaben, Ziffern, Punkt, Binde- und Unterstrich; keine Leerzeichen.",
  },
  "layers.taken": {
    en: "The dataset has a layer of this name.",
    de: "Der Datensatz hat eine Ebene dieses Namens.",
  },
  "layers.offset": { en: "First voxel (z, y, x)", de: "Erstes Voxel (z, y, x)" },
  "layers.upload_do": { en: "Upload", de: "Hochladen" },
  "layers.storing": { en: "Being stored…", de: "Wird gespeichert …" },
  "layers.uploaded": { en: "Uploaded: layer {name}", de: "Hochgeladen: Ebene {name}" },
  "layers.broken_off": {
    en: "The upload broke off. Check the connection, then try again.",
    de: "Die Übertragung brach ab. Bitte Verbindung prüfen und noch einmal versuchen.",
  },
  "layers.links": { en: "Links for other programs", de: "Links für andere Programme" },
  "layers.links_hint": {
    en: "Whoever has such a link reads the data without signing in, until it ends or is withdrawn.",
    de: "Wer so einen Link hat, liest die Daten ohne Anmeldung, bis er endet oder zurückgezogen wird.",
  },
  "layers.link_for": { en: "What for", de: "Wofür" },
  "layers.all_layers": { en: "all layers", de: "alle Ebenen" },
  "layers.days": { en: "Days", de: "Tage" },
  "layers.link_make": { en: "Make a link", de: "Link anlegen" },
  "layers.link_once": {
    en: "Copy it now: it is shown only this once.",
    de: "Jetzt kopieren: Er wird nur dieses eine Mal gezeigt.",
  },
  "layers.unnamed_link": { en: "unnamed", de: "ohne Namen" },
  "layers.until": { en: "until {when}", de: "bis {when}" },
  "layers.withdraw_link": { en: "Withdraw the link {name}", de: "Link {name} zurückziehen" },
  "layers.link_withdrawn": { en: "The link is withdrawn", de: "Der Link ist zurückgezogen" },
  // end of annotate: segments

  // atlas

  // end of atlas

  // reviews

  // end of reviews

  // datasets

  // end of datasets

  // admin

  // end of admin

  // predict

  // end of predict
} as const satisfies Record<string, { en: string; de: string }>;
