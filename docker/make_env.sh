#!/bin/sh
# Writes .env: .env.example with a fresh secret behind each empty password, secret and key.
# Never touches a .env that is there.
set -euC
umask 077
cd "$(dirname "$0")/.."

password() { head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n'; } # hex: goes into URLs as it is
fernet_key() { head -c 32 /dev/urandom | base64 | tr '+/' '-_'; }

while IFS= read -r line; do
    case $line in
    *_PASSWORD= | *_SECRET=) echo "$line$(password)" ;;
    *_FERNET_KEY=) echo "$line$(fernet_key)" ;;
    *) echo "$line" ;;
    esac
done <.env.example >.env
