"""Addresses of buckets, ``s3://`` and ``gs://``: how tensorstore opens them, and why it could not.

Who one is, and which server is asked, comes from the environment and from the files that other
programs of AWS and Google read, and never from the address: ``AWS_ACCESS_KEY_ID`` and
``AWS_SECRET_ACCESS_KEY``, ``AWS_PROFILE``, ``AWS_REGION``, ``AWS_ENDPOINT_URL`` and ``~/.aws`` for
S3, also of other makers; ``GOOGLE_APPLICATION_CREDENTIALS`` for Google.
"""

import configparser
import os
import re
from pathlib import Path
from typing import Any

from emqs.errors import ConfigError

BUCKETS = ("s3", "gs")
DEFAULT_REGION = "us-east-1"  # of servers that are not Amazon's, which ask for none
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}")

#: What a server's answer says, and the sentence for it.
_ANSWERS = (
    (r"NoSuchBucket|The specified bucket does not exist",
     "there is no such bucket on that server. Check its name, and AWS_ENDPOINT_URL if the server "
     "is not Amazon's"),
    (r"InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|UNAUTHENTICATED",
     "the server does not accept the credentials. Check AWS_ACCESS_KEY_ID and "
     "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE and the files in ~/.aws; for gs:// "
     "GOOGLE_APPLICATION_CREDENTIALS"),
    (r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint",
     "the bucket lies in another region. Give it in AWS_REGION"),
    (r"PERMISSION_DENIED|AccessDenied|Forbidden",
     "these credentials, or none, give no right to it. Ask the owner of the bucket for the right "
     "to list, read and, for out=, write; credentials come from the environment "
     "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, GOOGLE_APPLICATION_CREDENTIALS)"),
    (r"Could not resolve host|Could not connect|Failed to connect|Connection refused",
     "the server cannot be reached. Check the network, and AWS_ENDPOINT_URL if it is not Amazon's"),
    (r"UNIMPLEMENTED|http_response_code='(?:405|501)'|DOCTYPE HTML|<html",
     "what answers is no S3 server. Check AWS_ENDPOINT_URL"),
)  # fmt: skip


def is_bucket(name: object) -> bool:
    """Return whether a name is an address in a bucket."""
    return str(name).partition("://")[0] in BUCKETS and "://" in str(name)


def kvstore(url: str) -> dict[str, Any]:
    """Return what tensorstore calls a folder in a bucket.

    Args:
        url: ``s3://bucket/path`` or ``gs://bucket/path``.

    Raises:
        ConfigError: If it is not written like that, e.g. with a password in it.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, path = rest.partition("/")
    if not _BUCKET.fullmatch(bucket) or re.search(r"[?#|\0]|(?:^|/)\.\.?(?:/|$)|//", path):
        raise ConfigError(
            f"An address of {scheme}:// is not written as it must be: {scheme}://BUCKET/PATH, with "
            "plain names and without credentials, which come from the environment."
        )
    folder = {"bucket": bucket, "path": f"{path.strip('/')}/" if path.strip("/") else ""}
    return {"driver": "gcs", **folder} if scheme == "gs" else {"driver": "s3", **folder, **_aws()}


def _aws() -> dict[str, Any]:
    """Return server, region and source of credentials, as other programs find them."""
    environment = os.environ
    profile = _profile(environment.get("AWS_PROFILE", "default"))
    endpoint = (
        environment.get("AWS_ENDPOINT_URL_S3")
        or environment.get("AWS_ENDPOINT_URL")
        or profile.get("endpoint_url")
    )
    region = (
        environment.get("AWS_REGION")
        or environment.get("AWS_DEFAULT_REGION")
        or profile.get("region")
    )
    if endpoint and not re.match(r"https?://[^/\s@]+", endpoint):
        raise ConfigError(
            "AWS_ENDPOINT_URL must be like https://HOST:PORT, without credentials. Correct it, or "
            "remove it for Amazon's own servers."
        )
    spec: dict[str, Any] = {}
    if endpoint:
        spec = {"endpoint": endpoint.rstrip("/"), "aws_region": region or DEFAULT_REGION}
    elif region:
        spec = {"aws_region": region}
    if environment.get("AWS_ACCESS_KEY_ID"):
        spec["aws_credentials"] = {"type": "environment"}
    return spec


def _profile(name: str) -> dict[str, str]:
    """Return what a profile of ``~/.aws/config`` says; nothing where there is none."""
    file = Path(os.environ.get("AWS_CONFIG_FILE", "~/.aws/config")).expanduser()
    parser = configparser.RawConfigParser()
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        raise ConfigError(f"{file} is not a file of settings as AWS writes it. Mend it.") from None
    section = name if name == "default" else f"profile {name}"
    return dict(parser.items(section)) if parser.has_section(section) else {}


def explained(text: str) -> str | None:
    """Return why a server said no, to complete "... cannot be read or written: "; None: unknown.

    Args:
        text: Of the error of tensorstore, with what the server answered.
    """
    for pattern, sentence in _ANSWERS:
        if re.search(pattern, text):
            return sentence
    return None
