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
