# Keeps a private PostgreSQL for as long as standard input stays open, then stops it and removes what was temporary.
#
# Standard input closes when the gateway asks for the end and also when it dies of anything, SIGKILL included; so there
# is one way out for both. Standard output stays open while the server runs: its end tells the gateway that the server
# is gone. Nothing is written to it.
#
# Arguments: folder with the programs, data directory, temporary folder, signal that stops the server, settings.
bin=$1 data=$2 scratch=$3 ending=$4
shift 4
server=
log="$scratch/log"

# A Ctrl-C, a closed terminal and a shutdown reach the gateway too; it decides. The server sets its own handlers.
trap '' HUP INT TERM

finish() {
    if [ -n "$server" ]; then
        # Again and again, because a server that has just started still ignores it.
        while kill -s "$ending" "$server" 2>/dev/null; do
            sleep 0.05 2>/dev/null || sleep 1
        done
    fi
    rm -rf -- "$scratch"
    exit 0
}

prepare() {
    [ -f "$data/PG_VERSION" ] && return 0
    # Searches that ignore case need a locale that knows letters beyond ASCII; the last one exists everywhere.
    for locale in C.UTF-8 en_US.UTF-8 C; do
        "$bin/initdb" --pgdata="$data" --username=postgres --pwfile="$scratch/password" --auth=scram-sha-256 \
            --encoding=UTF8 --locale="$locale" --no-sync >>"$log" 2>&1 && return 0
    done
    return 1
}

if prepare; then
    "$bin/postgres" -D "$data" "$@" 2>>"$log" &
    server=$!
fi
exec >&-
while read -r _; do :; done
finish
