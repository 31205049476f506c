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

  "viewer.tools": { en: "Tools of the viewer", de: "Werkzeuge des Betrachters" },
  "viewer.layout": { en: "Layout", de: "Anordnung" },
  "viewer.layout_xy": { en: "XY slices", de: "Schichten XY" },
  "viewer.layout_xz": { en: "XZ slices", de: "Schichten XZ" },
  "viewer.layout_yz": { en: "YZ slices", de: "Schichten YZ" },
  "viewer.layout_4panel": { en: "Three directions and 3D", de: "Drei Richtungen und 3D" },
  "viewer.layout_3d": { en: "3D", de: "3D" },
  "viewer.fit": { en: "Fit", de: "Einpassen" },
  "viewer.fit_hint": { en: "Show the whole volume", de: "Das ganze Volumen zeigen" },
  "viewer.layers": { en: "Layers", de: "Ebenen" },
  "viewer.help": { en: "Help", de: "Hilfe" },
  "viewer.help_hint": { en: "Keys of the viewer", de: "Tasten des Betrachters" },

  // sign-in, account

  // end of sign-in, account

  // search
  "search.tab": { en: "Search", de: "Suche" },
  "search.examples": { en: "Examples", de: "Beispiele" },
  "search.positives": { en: "Looks like this", de: "Sieht so aus" },
  "search.negatives": { en: "Not like this", de: "Nicht so" },
  "search.positives_short": { en: "positives", de: "Beispiele" },
  "search.negatives_short": { en: "negatives", de: "Gegenbeispiele" },
  "search.how": {
    en: "Alt + click in the viewer on what you look for, Alt + Shift + click on what you do not. Without Alt: the buttons take the middle of the viewer, the keys P and N what is under the mouse.",
    de: "Mit Alt + Klick im Betrachter zeigen, was Sie suchen; mit Alt + Umschalt + Klick, was nicht. Ohne Alt: Die Knöpfe nehmen die Mitte des Betrachters, die Tasten P und N die Stelle unter der Maus.",
  },
  "search.at_centre": { en: "at the centre", de: "in der Mitte" },
  "search.add_positives": {
    en: "Add what is at the centre of the viewer as a positive example",
    de: "Die Mitte des Betrachters als Beispiel hinzufügen",
  },
  "search.add_negatives": {
    en: "Add what is at the centre of the viewer as a negative example",
    de: "Die Mitte des Betrachters als Gegenbeispiel hinzufügen",
  },
  "search.add_hint_positives": {
    en: "Add what is at the centre of the viewer (key P: under the mouse)",
    de: "Die Mitte des Betrachters hinzufügen (Taste P: unter der Maus)",
  },
  "search.add_hint_negatives": {
    en: "Add what is at the centre of the viewer (key N: under the mouse)",
    de: "Die Mitte des Betrachters hinzufügen (Taste N: unter der Maus)",
  },
  "search.go_positives": {
    en: "Positive example at {where}: go there",
    de: "Beispiel bei {where}: hingehen",
  },
  "search.go_negatives": {
    en: "Negative example at {where}: go there",
    de: "Gegenbeispiel bei {where}: hingehen",
  },
  "search.remove_example": { en: "Remove the example at {where}", de: "Beispiel bei {where} entfernen" },
  "search.outside": { en: "Not inside of segments", de: "Nicht in den Segmenten" },
  "search.undo": { en: "Undo", de: "Rückgängig" },
  "search.undo_hint": {
    en: "Undo the last change of examples or filters (Ctrl + Z)",
    de: "Letzte Änderung an Beispielen oder Filtern zurücknehmen (Strg + Z)",
  },
  "search.clear": { en: "Clear", de: "Leeren" },
  "search.filters": { en: "Filters", de: "Filter" },
  "search.no_filters": { en: "none", de: "keine" },
  "search.searched": { en: "Searched datasets", de: "Durchsuchte Datensätze" },
  "search.n_datasets": { en: "{n} datasets", de: "{n} Datensätze" },
  "search.region": { en: "Region in nm", de: "Bereich in nm" },
  "search.region_set": { en: "region", de: "Bereich" },
  "search.in_view": { en: "What is in view", de: "Was zu sehen ist" },
  "search.everywhere": { en: "Everywhere", de: "Überall" },
  "search.start_field": { en: "{axis} from, nm", de: "{axis} von, nm" },
  "search.stop_field": { en: "{axis} to, nm", de: "{axis} bis, nm" },
  "search.start_slider": { en: "{axis} from", de: "{axis} von" },
  "search.stop_slider": { en: "{axis} to", de: "{axis} bis" },
  "search.distance": { en: "Least distance of matches, nm", de: "Mindestabstand der Treffer, nm" },
  "search.distance_hint": {
    en: "Usually the edge of a patch, {edge} nm. Of matches that lie nearer to each other only the best is shown.",
    de: "Üblich ist die Kante eines Ausschnitts, {edge} nm. Von Treffern, die näher beieinander liegen, wird nur der beste gezeigt.",
  },
  "search.distance_set": { en: "{nm} nm apart", de: "{nm} nm Abstand" },
  "search.usual": { en: "Usual", de: "Üblich" },
  "search.segments": { en: "Segments", de: "Segmente" },
  "search.segmentation": { en: "Segmentation", de: "Segmentierung" },
  "search.inside": { en: "Only inside of segments", de: "Nur in den Segmenten" },
  "search.segment_ids": { en: "numbers, any number of them", de: "beliebig viele Nummern" },
  "search.selected": { en: "Selected", de: "Ausgewählte" },
  "search.selected_hint": {
    en: "Take the segments that are selected in the viewer",
    de: "Die im Betrachter ausgewählten Segmente übernehmen",
  },
  "search.segments_hint": {
    en: "Show the segmentation above the viewer, then double-click segments to select them.",
    de: "Die Segmentierung über dem Betrachter einschalten; ein Doppelklick wählt ein Segment.",
  },
  "search.n_inside": { en: "inside {n} segments", de: "in {n} Segmenten" },
  "search.n_outside": { en: "outside of {n} segments", de: "außerhalb von {n} Segmenten" },
  "search.exact": { en: "exact", de: "genau" },
  "search.exact_label": { en: "Rank every place exactly", de: "Jede Stelle genau vergleichen" },
  "search.exact_hint": {
    en: "Compares the whole code of every place, which takes longer",
    de: "Vergleicht den ganzen Code jeder Stelle; das dauert länger",
  },
  "search.per_page": { en: "Matches per page", de: "Treffer je Seite" },
  "search.places": {
    en: "{n} places of this dataset are searched.",
    de: "{n} Stellen dieses Datensatzes werden durchsucht.",
  },
  "search.search": { en: "Search", de: "Suchen" },
  "search.search_hint": {
    en: "Search for what looks like the examples (Enter)",
    de: "Suchen, was den Beispielen ähnlich sieht (Eingabetaste)",
  },
  "search.needs_positive": { en: "Add a positive example first", de: "Zuerst ein Beispiel hinzufügen" },
  "search.auto": { en: "At every change", de: "Bei jeder Änderung" },
  "search.auto_hint": {
    en: "Search again whenever an example or a filter changes",
    de: "Neu suchen, sobald sich ein Beispiel oder Filter ändert",
  },
  "search.busy_search": { en: "Searching…", de: "Suche läuft …" },
  "search.busy_suggest": {
    en: "Looking for what tells most…",
    de: "Aufschlussreiche Stellen werden gesucht …",
  },
  "search.busy_save": { en: "Saving…", de: "Wird gespeichert …" },
  "search.matches": { en: "Matches", de: "Treffer" },
  "search.n_matches": { en: "{n} in all", de: "{n} insgesamt" },
  "search.first_matches": { en: "the first {n}", de: "die ersten {n}" },
  "search.took": { en: "{s} s", de: "{s} s" },
  "search.n_chosen": { en: "{n} selected", de: "{n} ausgewählt" },
  "search.no_more": { en: "There are no more matches.", de: "Mehr Treffer gibt es nicht." },
  "search.none": {
    en: "Nothing was found. Widen the region, lower the least distance, or leave segments out.",
    de: "Nichts gefunden. Vergrößern Sie den Bereich, verringern Sie den Mindestabstand oder lassen Sie Segmente weg.",
  },
  "search.stale": {
    en: "These matches answer the question before.",
    de: "Diese Treffer gehören zur vorigen Frage.",
  },
  "search.again": { en: "Search again", de: "Neu suchen" },
  "search.suggest": { en: "Label these next", de: "Als Nächstes bewerten" },
  "search.suggest_hint": {
    en: "Show the places whose marks would tell most",
    de: "Die Stellen zeigen, deren Bewertung am meisten hilft",
  },
  "search.suggestions": { en: "Label these next", de: "Als Nächstes bewerten" },
  "search.suggestions_hint": {
    en: "A mark on these helps the next search most.",
    de: "Eine Bewertung dieser Stellen hilft der nächsten Suche am meisten.",
  },
  "search.save": { en: "Save…", de: "Speichern …" },
  "search.save_title": { en: "Save this search", de: "Diese Suche speichern" },
  "search.annotate": { en: "Annotate…", de: "Annotieren …" },
  "search.annotate_hint": { en: "Make annotations of matches", de: "Aus Treffern Annotationen machen" },
  "search.annotate_denied": {
    en: "You may look at this dataset, but not annotate it. Ask its manager for the role annotator.",
    de: "Sie dürfen diesen Datensatz ansehen, aber nicht annotieren. Bitten Sie um die Rolle annotator.",
  },
  "search.annotate_title": { en: "Make annotations of matches", de: "Aus Treffern Annotationen machen" },
  "search.annotate_title_hint": {
    en: "The rank of the match is added.",
    de: "Der Rang des Treffers wird angehängt.",
  },
  "search.annotate_do": { en: "Make {n} annotations", de: "{n} Annotationen anlegen" },
  "search.which": { en: "Which matches", de: "Welche Treffer" },
  "search.which_chosen": { en: "Selected ({n})", de: "Ausgewählte ({n})" },
  "search.which_right": { en: "Marked right ({n})", de: "Als richtig bewertete ({n})" },
  "search.which_all": { en: "All that are shown ({n})", de: "Alle gezeigten ({n})" },
  "search.tags": { en: "Tags", de: "Schlagworte" },
  "search.tags_hint": { en: "Several with commas between them", de: "Mehrere mit Komma getrennt" },
  "search.annotated": { en: "{n} annotations were made.", de: "{n} Annotationen wurden angelegt." },
  "search.not_annotated": { en: "{n} were not made: {why}", de: "{n} wurden nicht angelegt: {why}" },
  "search.taken_back": {
    en: "The annotations were taken back.",
    de: "Die Annotationen wurden zurückgenommen.",
  },
  "search.export": { en: "Export", de: "Exportieren" },
  "search.export_hint": {
    en: "Save the search to export it as a state of neuroglancer, too.",
    de: "Nach dem Speichern auch als Zustand von neuroglancer.",
  },
  "search.go_match": { en: "Match {rank} at {where}: go there", de: "Treffer {rank} bei {where}: hingehen" },
  "search.voxel_hint": { en: "Voxel in the middle of the match", de: "Voxel in der Mitte des Treffers" },
  "search.hamming_hint": {
    en: "Bits in which the signature differs from the nearest positive example",
    de: "Bits, in denen sich die Signatur vom nächsten Beispiel unterscheidet",
  },
  "search.score_hint": {
    en: "Score: the larger, the more alike",
    de: "Punktzahl: je größer, desto ähnlicher",
  },
  "search.probability_hint": {
    en: "Probability of being right, from examples of both kinds",
    de: "Wahrscheinlichkeit, richtig zu sein, aus Beispielen beider Arten",
  },
  "search.right": { en: "right", de: "richtig" },
  "search.wrong": { en: "wrong", de: "falsch" },
  "search.mark_right": { en: "Match {rank} is right", de: "Treffer {rank} ist richtig" },
  "search.mark_wrong": { en: "Match {rank} is wrong", de: "Treffer {rank} ist falsch" },
  "search.right_hint": { en: "Right (R)", de: "Richtig (R)" },
  "search.wrong_hint": { en: "Wrong (W)", de: "Falsch (W)" },
  "search.choose": { en: "Select match {rank}", de: "Treffer {rank} auswählen" },
  "search.choose_hint": { en: "Select (S)", de: "Auswählen (S)" },
  "search.marks": { en: "Marks", de: "Bewertungen" },
  "search.refine": { en: "Refine", de: "Verfeinern" },
  "search.refine_hint": {
    en: "Search again knowing what was right and wrong (F)",
    de: "Neu suchen mit dem, was richtig und falsch war (F)",
  },
  "search.clear_marks": { en: "Clear marks", de: "Bewertungen löschen" },
  "search.link": { en: "Copy link", de: "Link kopieren" },
  "search.link_hint": {
    en: "A short link that shows colleagues what you see",
    de: "Ein kurzer Link, der anderen zeigt, was Sie sehen",
  },
  "search.link_title": { en: "Link to what you see", de: "Link zu dem, was Sie sehen" },
  "search.link_how": {
    en: "Copy it from here. Whoever may see the dataset can open it.",
    de: "Hier kopieren. Wer den Datensatz sehen darf, kann ihn öffnen.",
  },
  "search.link_copied": { en: "Copied: {link}", de: "Kopiert: {link}" },
  "search.layer_region": { en: "region", de: "Bereich" },
  "search.layer_highlight": { en: "highlighted", de: "hervorgehoben" },
  "search.not_searchable": {
    en: "{name} cannot be searched yet: its places have no codes.",
    de: "{name} kann noch nicht durchsucht werden: Es gibt noch keine Codes.",
  },
  "search.embed_here": {
    en: "Embed it on the page of its settings",
    de: "In den Einstellungen des Datensatzes einbetten",
  },
  "search.embed_console": {
    en: "Or embed it on the console, also on a computer with a graphics card:",
    de: "Oder auf der Konsole einbetten, auch auf einem Rechner mit Grafikkarte:",
  },
  "search.embed_store": {
    en: "Then name the result as store in the dataset's settings file.",
    de: "Danach das Ergebnis als store in der Datei des Datensatzes angeben.",
  },
  "search.embed_ask": {
    en: "Ask the manager of the dataset to embed it.",
    de: "Bitten Sie um das Einbetten, wer den Datensatz verwaltet.",
  },
  "help.title": { en: "Keys and gestures", de: "Tasten und Gesten" },
  "help.key": { en: "Key", de: "Taste" },
  "help.what": { en: "What it does", de: "Was sie tut" },
  "help.alt": { en: "Add a positive example", de: "Beispiel hinzufügen" },
  "help.alt_shift": { en: "Add a negative example", de: "Gegenbeispiel hinzufügen" },
  "help.p": {
    en: "Positive example under the mouse, or at the centre of the viewer",
    de: "Beispiel unter der Maus oder in der Mitte des Betrachters",
  },
  "help.n": { en: "Negative example, likewise", de: "Gegenbeispiel, ebenso" },
  "help.enter": { en: "Search; on a card: go there", de: "Suchen; auf einer Karte: hingehen" },
  "help.undo": {
    en: "Undo the last change of examples or filters",
    de: "Letzte Änderung an Beispielen oder Filtern zurücknehmen",
  },
  "help.arrows": { en: "From card to card", de: "Von Karte zu Karte" },
  "help.marks": {
    en: "Mark the match right or wrong; once more takes the mark back",
    de: "Treffer als richtig oder falsch bewerten; noch einmal nimmt es zurück",
  },
  "help.choose": { en: "Select the match", de: "Treffer auswählen" },
  "help.refine": { en: "Refine with the marks", de: "Mit den Bewertungen verfeinern" },
  "help.this": { en: "This help", de: "Diese Hilfe" },
  "help.viewer": {
    en: "In the viewer: drag to move, Ctrl + wheel to zoom, wheel to change the slice, double-click selects a segment.",
    de: "Im Betrachter: Ziehen verschiebt, Strg + Mausrad vergrößert, das Mausrad wechselt die Schicht, Doppelklick wählt ein Segment.",
  },
  "search.outside_volume": {
    en: "That is outside of the volume. Click where there is an image.",
    de: "Das liegt außerhalb des Volumens. Klicken Sie ins Bild.",
  },

  // end of search

  // saved searches
  "saved.list": { en: "Saved searches", de: "Gespeicherte Suchen" },
  "saved.none": {
    en: "You have not saved a search in this dataset yet.",
    de: "In diesem Datensatz haben Sie noch keine Suche gespeichert.",
  },
  "saved.untitled": { en: "Untitled", de: "Ohne Titel" },
  "saved.title": { en: "Title", de: "Titel" },
  "saved.note": { en: "Note", de: "Notiz" },
  "saved.k": { en: "Matches to keep", de: "Treffer, die behalten werden" },
  "saved.k_hint": {
    en: "At most 1000; they stay as they are now.",
    de: "Höchstens 1000; sie bleiben, wie sie jetzt sind.",
  },
  "saved.done": { en: "{title} was saved.", de: "{title} wurde gespeichert." },
  "saved.ran": { en: "found {when}", de: "gefunden {when}" },
  "saved.run": { en: "Run again", de: "Erneut ausführen" },
  "saved.edit": { en: "Edit title and note", de: "Titel und Notiz ändern" },
  "saved.other_store": {
    en: "The codes have changed since then: other matches may be due to that.",
    de: "Die Codes haben sich seitdem geändert: Andere Treffer können daher rühren.",
  },
  "saved.deleted": { en: "{title} was deleted.", de: "{title} wurde gelöscht." },
  "saved.tick": { en: "Compare {title}", de: "{title} vergleichen" },
  "saved.compare": { en: "Compare two", de: "Zwei vergleichen" },
  "saved.compare_hint": { en: "Tick two searches", de: "Zwei Suchen ankreuzen" },
  "saved.compare_title": { en: "{a} and {b}", de: "{a} und {b}" },
  "saved.both": { en: "In both", de: "In beiden" },
  "saved.only": { en: "Only in {title}", de: "Nur in {title}" },
  "saved.first": { en: "Only in the first", de: "Nur in der ersten" },
  "saved.second": { en: "Only in the second", de: "Nur in der zweiten" },
  "saved.ranks": { en: "rank {a} and {b}", de: "Rang {a} und {b}" },
  "saved.same_examples": { en: "same examples", de: "gleiche Beispiele" },
  "saved.other_examples": { en: "other examples", de: "andere Beispiele" },
  "saved.same_settings": { en: "same filters", de: "gleiche Filter" },
  "saved.other_settings": { en: "other filters", de: "andere Filter" },
  "saved.same_fingerprint": { en: "same codes", de: "gleiche Codes" },
  "saved.other_fingerprint": { en: "other codes", de: "andere Codes" },
  "saved.n_positives": { en: "{n} positive", de: "{n} positive" },
  "saved.n_negatives": { en: "{n} negative", de: "{n} negative" },

  // end of saved searches

  // annotate: tools and table

  // end of annotate: tools and table

  // annotate: import and export

  // end of annotate: import and export

  // annotate: atlas tab

  // end of annotate: atlas tab

  // annotate: segments

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
