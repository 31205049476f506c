"""The rights of the server, written out: for each route who may, and what everybody else gets.

python tests/web/rights_matrix.py     prints it as a table
"""

# Who asks. In the dataset "brain", which is private, reader to manager have that role.
PEOPLE = ("guest", "stranger", "reader", "annotator", "reviewer", "manager", "root")
RIGHTS = {
    #                    guest stranger reader annotator reviewer manager root
    "public":            (200, 200, 200, 200, 200, 200, 200),
    "guest":             (401, 200, 200, 200, 200, 200, 200),
    "user":              (401, 200, 200, 200, 200, 200, 200),
    "local":             (401, 403, 403, 403, 403, 403, 200),
    "admin":             (401, 403, 403, 403, 403, 403, 200),
    "dataset:reader":    (401, 404, 200, 200, 200, 200, 200),
    "dataset:annotator": (401, 404, 403, 200, 200, 200, 200),
    "dataset:reviewer":  (401, 404, 403, 403, 200, 200, 200),
    "dataset:manager":   (401, 404, 403, 403, 403, 200, 200),
}  # fmt: skip
# The same in "open", which is public: everybody who is signed in reads it.
OPEN_RIGHTS = {
    "dataset:reader":    (401, 200, 200, 200, 200, 200, 200),
    "dataset:annotator": (401, 403, 403, 403, 403, 403, 200),
    "dataset:reviewer":  (401, 403, 403, 403, 403, 403, 200),
    "dataset:manager":   (401, 403, 403, 403, 403, 403, 200),
}  # fmt: skip
ROUTES = """
GET     /health                                                      public
GET     /version                                                     public
GET     /metrics                                                     local
POST    /auth/login                                                  public
POST    /auth/one-time                                               public
POST    /auth/logout                                                 public
GET     /auth/me                                                     user
PATCH   /auth/me                                                     user
POST    /auth/password                                               user
GET     /auth/tokens                                                 user
POST    /auth/tokens                                                 user
DELETE  /auth/tokens/{token_id}                                      user
GET     /auth/providers                                              public
GET     /auth/oidc/{provider}/start                                  public
GET     /auth/oidc/{provider}/callback                               public
GET     /users                                                       user
POST    /users                                                       admin
PATCH   /users/{name}                                                admin
POST    /users/{name}/one-time                                       admin
DELETE  /users/{name}/sessions                                       admin
GET     /groups                                                      user
POST    /groups                                                      admin
DELETE  /groups/{name}                                               admin
PUT     /groups/{name}/members/{user}                                user
DELETE  /groups/{name}/members/{user}                                user
GET     /datasets guest
POST    /datasets                                                    admin
GET     /datasets/{dataset} dataset:reader
PATCH   /datasets/{dataset}                                          dataset:manager
DELETE  /datasets/{dataset}                                          dataset:manager
GET     /datasets/{dataset}/state dataset:reader
POST    /datasets/{dataset}/layers                                   dataset:manager
DELETE  /datasets/{dataset}/layers/{layer}                           dataset:reader
GET     /datasets/{dataset}/grants dataset:manager
PUT     /datasets/{dataset}/grants                                   dataset:manager
DELETE  /datasets/{dataset}/grants                                   dataset:manager
GET     /datasets/{dataset}/layers/{layer}/data dataset:reader
GET     /datasets/{dataset}/layers/{layer}/segments dataset:reader
POST    /datasets/{dataset}/links                                    dataset:annotator
GET     /datasets/{dataset}/links dataset:annotator
DELETE  /datasets/{dataset}/links/{link}                             dataset:annotator
GET     /datasets/{dataset}/snapshot dataset:reader
GET     /data/{dataset}/{layer}/{version}/precomputed/{encoding}/info dataset:reader
HEAD    /data/{dataset}/{layer}/{version}/precomputed/{encoding}/info dataset:reader
GET     /data/{dataset}/{layer}/{version}/precomputed/{encoding}/{key}/{chunk_name} dataset:reader
HEAD    /data/{dataset}/{layer}/{version}/precomputed/{encoding}/{key}/{chunk_name} dataset:reader
GET     /data/{dataset}/{layer}/{version}/files/{inside} dataset:reader
HEAD    /data/{dataset}/{layer}/{version}/files/{inside} dataset:reader
GET     /links/{token}/data/{layer}/{version}/precomputed/{encoding}/info public
HEAD    /links/{token}/data/{layer}/{version}/precomputed/{encoding}/info public
GET     /links/{token}/data/{layer}/{version}/precomputed/{encoding}/{key}/{chunk_name} public
HEAD    /links/{token}/data/{layer}/{version}/precomputed/{encoding}/{key}/{chunk_name} public
GET     /links/{token}/data/{layer}/{version}/files/{inside} public
HEAD    /links/{token}/data/{layer}/{version}/files/{inside} public
GET     /links/{token}/{rest}                                        public
GET     /links/{token}/layers public
GET     /datasets/{dataset}/search dataset:reader
POST    /datasets/{dataset}/search                                   dataset:reader
POST    /datasets/{dataset}/search/refine                            dataset:reader
POST    /datasets/{dataset}/search/suggestions                       dataset:reader
POST    /datasets/{dataset}/search/batch                             dataset:reader
GET     /datasets/{dataset}/predictions dataset:reader
POST    /datasets/{dataset}/predictions                              dataset:reader
GET     /datasets/{dataset}/predictions/{prediction}/objects dataset:reader
GET     /datasets/{dataset}/predictions/{prediction}/precomputed/info dataset:reader
HEAD    /datasets/{dataset}/predictions/{prediction}/precomputed/info dataset:reader
GET     /datasets/{dataset}/predictions/{prediction}/precomputed/{scale}/{chunk_name} dataset:reader
HEAD    /datasets/{dataset}/predictions/{prediction}/precomputed/{scale}/{chunk_name} dataset:reader
GET     /datasets/{dataset}/searches dataset:reader
POST    /datasets/{dataset}/searches                                 dataset:reader
GET     /datasets/{dataset}/searches/{search} dataset:reader
PATCH   /datasets/{dataset}/searches/{search}                        dataset:reader
DELETE  /datasets/{dataset}/searches/{search}                        dataset:reader
POST    /datasets/{dataset}/searches/{search}/restore                dataset:reader
POST    /datasets/{dataset}/searches/{search}/run                    dataset:reader
POST    /datasets/{dataset}/searches/{search}/marks                  dataset:reader
GET     /datasets/{dataset}/searches/{search}/compare dataset:reader
GET     /datasets/{dataset}/searches/{search}/export dataset:reader
POST    /datasets/{dataset}/searches/{search}/annotations            dataset:annotator
GET     /datasets/{dataset}/annotations dataset:reader
POST    /datasets/{dataset}/annotations                              dataset:annotator
POST    /datasets/{dataset}/annotations/batch                        dataset:annotator
POST    /datasets/{dataset}/annotations/batch/delete                 dataset:annotator
POST    /datasets/{dataset}/annotations/batch/undo                   dataset:annotator
GET     /datasets/{dataset}/annotations/by-number/{number} dataset:reader
POST    /datasets/{dataset}/annotations/import                       dataset:annotator
GET     /datasets/{dataset}/annotations/export dataset:reader
GET     /datasets/{dataset}/annotations/{annotation} dataset:reader
PATCH   /datasets/{dataset}/annotations/{annotation}                 dataset:annotator
DELETE  /datasets/{dataset}/annotations/{annotation}                 dataset:annotator
POST    /datasets/{dataset}/annotations/{annotation}/undo            dataset:annotator
GET     /datasets/{dataset}/annotations/{annotation}/history dataset:reader
GET     /datasets/{dataset}/annotations/ng/{whose}/{kind}/{version}/info dataset:reader
GET     /datasets/{dataset}/annotations/ng/{whose}/{kind}/{version}/by_id/{number} dataset:reader
GET     /datasets/{dataset}/annotations/ng/{whose}/{kind}/{version}/{key}/{cell} dataset:reader
GET     /datasets/{dataset}/shares dataset:reader
PUT     /datasets/{dataset}/shares/{group}                           dataset:annotator
DELETE  /datasets/{dataset}/shares/{group}                           dataset:annotator
GET     /atlas                                                       guest
POST    /datasets/{dataset}/atlas                                    dataset:annotator
GET     /datasets/{dataset}/atlas/{entry} dataset:reader
POST    /datasets/{dataset}/atlas/{entry}/review                     dataset:reviewer
POST    /datasets/{dataset}/atlas/{entry}/withdraw                   dataset:annotator
POST    /datasets/{dataset}/atlas/{entry}/comments                   dataset:reader
GET     /datasets/{dataset}/merges/{layer} dataset:reader
POST    /datasets/{dataset}/merges/{layer}                           dataset:annotator
POST    /datasets/{dataset}/merges/{layer}/undo                      dataset:annotator
POST    /datasets/{dataset}/merges/{layer}/redo                      dataset:annotator
POST    /datasets/{dataset}/merges/{layer}/confirm                   dataset:annotator
DELETE  /datasets/{dataset}/merges/{layer}                           dataset:annotator
GET     /datasets/{dataset}/pulls dataset:reader
POST    /datasets/{dataset}/pulls                                    dataset:annotator
GET     /datasets/{dataset}/pulls/{pull} dataset:reader
POST    /datasets/{dataset}/pulls/{pull}/comments                    dataset:reader
POST    /datasets/{dataset}/pulls/{pull}/review                      dataset:reviewer
POST    /datasets/{dataset}/pulls/{pull}/renew                       dataset:annotator
POST    /datasets/{dataset}/pulls/{pull}/withdraw                    dataset:annotator
GET     /datasets/{dataset}/equivalences/{layer} dataset:reader
POST    /datasets/{dataset}/equivalences/{layer}/publish             dataset:manager
GET     /datasets/{dataset}/napari.py dataset:reader
POST    /datasets/{dataset}/layers/{layer}/upload                    dataset:annotator
GET     /datasets/{dataset}/neuprint dataset:reader
GET     /datasets/{dataset}/neuprint/bodies dataset:reader
POST    /datasets/{dataset}/neuprint/query                           dataset:annotator
POST    /states                                                      user
GET     /states/{key}                                                guest
GET     /audit                                                       admin
POST    /datasets/{dataset}/jobs                                     dataset:reader
GET     /datasets/{dataset}/jobs dataset:manager
GET     /jobs                                                        user
POST    /jobs                                                        admin
GET     /jobs/kinds                                                  user
GET     /jobs/workers                                                admin
GET     /jobs/{job}                                                  user
DELETE  /jobs/{job}                                                  user
POST    /jobs/{job}/retry                                            user
GET     /jobs/{job}/log                                              user
GET     /jobs/{job}/file                                             user
HEAD    /jobs/{job}/file                                             user
GET     /jobs/{job}/events                                           user
"""
# Rights that a route checks further on: who passes the declared one and is refused all the same.
FURTHER = {
    ("POST", "/auth/password"): 403,  # by tokens, which these requests carry
    ("POST", "/auth/tokens"): 403,  # likewise
    ("DELETE", "/datasets/{dataset}"): 403,  # but by admins
    ("POST", "/datasets/{dataset}/layers"): 403,  # likewise
}
# Links stand for a sign-in: a token that is none is told to be none.
LINKS = "/links/{token}"


def routes() -> list[tuple[str, str, str]]:
    """Return method, path and right of every route."""
    rows = [line.split() for line in ROUTES.strip().splitlines()]
    return [(method, path, right) for method, path, right in rows]


def main() -> None:
    """Print the table, once for a private dataset and once for a public one."""
    for title, rights in (("private", RIGHTS), ("public", RIGHTS | OPEN_RIGHTS)):
        print(f"{title:96s}" + " ".join(f"{name[:9]:>9s}" for name in PEOPLE))  # noqa: T201
        for method, path, right in routes():
            cells = ["yes" if status == 200 else str(status) for status in rights[right]]
            print(f"{method:7s}{path:89s}" + " ".join(f"{cell:>9s}" for cell in cells))  # noqa: T201


if __name__ == "__main__":
    main()
