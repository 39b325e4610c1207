#!/bin/sh
# What a web host knows about its sites, for `probe init`: read-only, writes nothing, needs no root (what it may not read
# it names). One fact per line, the first word says which; the last line is `end`. Passwords never leave the host: of every
# file only the words listed here are printed. Runs in dash, busybox and bash, with CentOS 7's tools.
#
#   host NAME | user NAME | from ADDRESS      who was asked, as whom, and from where
#   kusanagi VERSION                          the first line of /etc/kusanagi
#   server nginx|httpd UNIT                   the enabled web server
#   unit UNIT                                 every web server's unit that is there
#   restart COMMAND | test COMMAND            what root would run: with full paths, as sudoers wants them
#   profile NAME NAME|FQDN|TYPE VALUE         of KUSANAGI 8's profile.conf; NAME: there is one of this name
#   vhost nginx|httpd FILE LISTENS REDIRECTS CERTIFICATE NAME…   one server block; `-` for nothing. LISTENS: `plain:PORT`, `tls:PORT`, or
#                                             `local` for a unix socket and a loopback address, with commas between them
#   monit FILE STATEMENT                      what Monit watches and does
#   agent sites|empty                         probe-agent is installed; whether its SITES name any to ask this host for
#   unreadable FILE                           there, but not for this account
#
# `survey.sh monit DIRECTORY` prints the `monit` lines of that directory alone.

set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
ROOT=${PROBE_SURVEY_ROOT-} # before every path: a copy of another host, for tests

# The files among the arguments that can be read, in `files`, one per line; patterns that fit nothing stay out.
readable() {
    files=
    for file in "$@"; do
        case $file in
            *[!A-Za-z0-9_./@+-]*) continue ;;
        esac
        if [ -f "$file" ] && [ -r "$file" ]; then
            files="$files $file"
        elif [ -e "$file" ]; then
            echo "unreadable ${file#"$ROOT"}"
        fi
    done
    [ -n "$files" ]
}

# Who serves: an enabled unit before one that is only there.
servers() {
    if [ -n "$ROOT" ]; then
        cat "$ROOT/units"
    else
        systemctl list-unit-files --type=service --no-legend --no-pager 'nginx*' 'httpd*' 'apache2*' 'kusanagi-*' </dev/null
    fi 2>/dev/null | awk '
        $1 ~ /^(kusanagi-)?(nginx|httpd|apache2)[0-9.]*\.service$/ {
            unit = $1
            sub(/\.service$/, "", unit)
            kind = unit ~ /nginx/ ? "nginx" : "httpd"
            print "unit " unit
            if (best == "" || $2 ~ /^enabled/) { best = kind " " unit }
        }
        END { if (best != "") print "server " best }'
}

# The first of the programs that is there, else the last.
program() {
    for path in "$@"; do
        if [ -x "$ROOT$path" ]; then break; fi
    done
    printf '%s' "$path"
}

# What root would run to restart the server of `server KIND UNIT`, and to test its configuration.
orders() {
    kind=${1%% *} unit=${1##* }
    if [ -e "$ROOT/etc/kusanagi" ]; then
        echo "restart $(program /bin/kusanagi /usr/bin/kusanagi) restart"
    elif [ -n "$unit" ]; then
        echo "restart $(program /usr/bin/systemctl /bin/systemctl /usr/bin/systemctl) restart $unit.service"
    fi
    case $kind:$unit in
        nginx:nginx[0-9]*) echo "test $(program "/opt/kusanagi/$unit/sbin/nginx") -t" ;;
        nginx:*) echo "test $(program /usr/local/sbin/nginx /usr/sbin/nginx) -t" ;;
        httpd:apache2*) echo "test $(program /usr/sbin/apachectl) configtest" ;;
        httpd:*) echo "test $(program /usr/sbin/httpd) -t" ;;
    esac
}

# The three words of a profile that are no secret.
profiles() {
    readable "$ROOT/etc/kusanagi.d/profile.conf" || return 0
    # shellcheck disable=SC2086  # checked names
    awk -F'"' '
        /^\[[A-Za-z0-9._-]+\]/ { name = substr($0, 2, index($0, "]") - 2); print "profile " name " NAME -" }
        /^KUSANAGI_(FQDN|TYPE)="[A-Za-z0-9._-]+"/ && name != "" { key = $1; sub(/^KUSANAGI_/, "", key); sub(/=$/, "", key); print "profile " name " " key " " $2 }
    ' $files
}

# nginx's server blocks: statements are told apart by `;`, `{` and `}`, and may go on over lines. Words may stand in quotation marks,
# where these signs, `#` and blanks are a part of the word.
nginx_blocks() {
    readable "$ROOT"/etc/opt/kusanagi/nginx/conf.d/*.conf "$ROOT"/etc/nginx/nginx.conf "$ROOT"/etc/nginx/conf.d/*.conf "$ROOT"/etc/nginx/sites-enabled/* || return 0
    # shellcheck disable=SC2086
    awk -v root="$ROOT" '
        function words(line,    out, i, c, before) {
            out = ""; before = " "
            gsub(/\$\{[A-Za-z0-9_]+\}/, "$x", line)
            for (i = 1; i <= length(line); i++) {
                c = substr(line, i, 1)
                if (c == "\\") { i++; out = out "__"; before = "_" }
                else if (quote != "") {
                    if (c == quote) quote = ""; else out = out (c ~ /[;{}# \t]/ ? "_" : c)
                    before = "_"
                } else if ((c == "\"" || c == "\047") && before ~ /[ \t;{}]/) quote = c
                else if (c == "#" && before ~ /[ \t;{}]/) break
                else { out = out c; before = c }
            }
            return out " "
        }
        function listen(text, place,    port) {
            if (text ~ /[ \t]quic([ \t]|$)/) return
            port = 80
            if (place ~ /^[0-9]+$/) { port = place; place = "*" }
            else if (place ~ /:[0-9]+$/) { port = place; sub(/.*:/, "", port); sub(/:[0-9]+$/, "", place) }
            if (place ~ /^(unix:|127\.|localhost$|\[::1\]$)/) listens = listens ",local"
            else listens = listens "," (text ~ /[ \t]ssl([ \t]|$)/ || port == 443 ? "tls:" : "plain:") port
        }
        function statement(text,    word, n, i) {
            n = split(text, word, /[ \t]+/)
            if (word[1] == "server_name") for (i = 2; i <= n; i++) names = names " " word[i]
            if (word[1] == "listen") listen(text, word[2])
            if (word[1] == "ssl" && word[2] == "on") tls = "all"
            if (word[1] == "include" && word[2] ~ /ssl/ && tls == "") tls = "but 80"
            if (word[1] == "ssl_certificate") cert = word[2]
            if ((word[1] == "return" || word[1] == "rewrite") && text ~ /https:\/\//) redirect = "redirect"
        }
        function told(    part, n, i, out) {
            if (listens == "") listens = tls == "" ? ",plain:80" : ",tls:443"
            n = split(substr(listens, 2), part, ",")
            out = ""
            for (i = 1; i <= n; i++) {
                if (tls == "all" || (tls != "" && part[i] != "plain:80")) sub(/^plain/, "tls", part[i])
                out = out (i > 1 ? "," : "") part[i]
            }
            return out
        }
        function finish(file,    line, count, part, i, depth, at, text) {
            gsub(/;/, "\n", all); gsub(/[{]/, "\n{\n", all); gsub(/[}]/, "\n}\n", all)
            count = split(all, part, "\n")
            depth = 0; at = -1; line = ""
            for (i = 1; i <= count; i++) {
                text = part[i]
                gsub(/^[ \t]+|[ \t]+$/, "", text)
                if (text == "") continue
                if (text == "{") {
                    depth++
                    if (line == "server") { at = depth; names = ""; listens = ""; tls = ""; cert = "-"; redirect = "-" }
                    line = ""
                } else if (text == "}") {
                    if (line != "" && at >= 0) statement(line)
                    line = ""
                    if (depth == at) { print "vhost nginx " substr(file, length(root) + 1) " " told() " " redirect " " cert names; at = -1 }
                    depth--
                } else {
                    if (line != "" && at >= 0) statement(line)
                    line = text
                }
            }
            all = ""; quote = ""
        }
        FNR == 1 && file != "" { finish(file) }
        { file = FILENAME; text = $0; sub(/\r$/, "", text); all = all words(text) }
        END { if (file != "") finish(file) }
    ' $files | cut -c 1-1000
}

# Apache's virtual hosts. A line goes on after a backslash at its end.
httpd_blocks() {
    readable "$ROOT"/etc/opt/kusanagi/httpd/conf.d/*.conf "$ROOT"/etc/httpd/conf.d/*.conf "$ROOT"/etc/apache2/sites-enabled/* || return 0
    # shellcheck disable=SC2086
    awk -v root="$ROOT" '
        function told(    part, n, i, out, port, place) {
            n = split(places, part, " ")
            out = ""
            for (i = 1; i <= n; i++) {
                place = part[i]; port = tls == "" ? 80 : 443
                if (place ~ /:[0-9]+$/) { port = place; sub(/.*:/, "", port); sub(/:[0-9]+$/, "", place) }
                if (place ~ /^(127\.|localhost$|\[::1\]$)/) place = "local"
                else place = (tls != "" || port == 443 ? "tls:" : "plain:") port
                out = out (i > 1 ? "," : "") place
            }
            return out == "" ? "-" : out
        }
        FNR == 1 { begun = ""; inside = 0 }
        { sub(/\r$/, ""); begun = begun $0 }
        sub(/\\$/, " ", begun) { next }
        { $0 = begun; begun = ""; key = tolower($1) }
        key ~ /^#/ { next }
        key == "<virtualhost" { inside = 1; names = ""; tls = ""; cert = "-"; redirect = "-"; places = $0; sub(/^[ \t]*[^ \t]+/, "", places); sub(/>.*/, "", places) }
        !inside { next }
        key == "servername" || key == "serveralias" { for (i = 2; i <= NF; i++) { name = $i; gsub(/^"?https?:\/\/|:[0-9]+"?$|["\047]/, "", name); names = names " " name } }
        key == "sslengine" && tolower($2) == "on" { tls = "on" }
        key == "sslcertificatefile" { cert = $2; gsub(/["\047]/, "", cert) }
        (key == "redirect" || key == "redirectpermanent" || key == "rewriterule") && /https:\/\// { redirect = "redirect" }
        key == "</virtualhost>" { inside = 0; print "vhost httpd " substr(FILENAME, length(root) + 1) " " told() " " redirect " " cert names }
    ' $files | cut -c 1-1000
}

# What Monit watches and does. Of its settings only that there are some: they hold passwords.
monit_rules() {
    readable "$@" || return 0
    # shellcheck disable=SC2086
    awk -v root="$ROOT" '
        { sub(/^[ \t]+/, ""); sub(/[ \t\r]+$/, "") }
        tolower($1) == "check" || tolower($1) == "if" || tolower($1) == "depends" || tolower($1) ~ /^(re)?start$/ || tolower($1) == "stop" {
            gsub(/\/\/[^\/@ ]*@/, "//"); if (tolower($0) ~ /password|username/) next
            print "monit " substr(FILENAME, length(root) + 1) " " $0; next
        }
        tolower($1) == "set" && tolower($2) ~ /^(daemon|alert|mailserver)$/ { print "monit " substr(FILENAME, length(root) + 1) " set " tolower($2) (tolower($2) == "daemon" ? " " $3 : "") }
    ' $files | cut -c 1-300
}

# The agent, where it is there. Without a settings file its SITES are empty.
agent() {
    [ -e "$ROOT/usr/local/sbin/probe-agent" ] || return 0
    conf=$ROOT/etc/probe-agent.conf
    if [ ! -e "$conf" ]; then
        echo "agent empty"
    elif readable "$conf"; then
        awk '
            match($0, /(^|[ \t;])SITES=/) && !/^[ \t]*#/ {
                value = substr($0, RSTART + RLENGTH)
                sub(/[ \t;]+[#A-Z].*/, "", value)
                gsub(/[ \t;]/, "", value)
                # One quotation mark alone: the value goes on in the next line.
                sites = value == "" || value == "\"\"" || value == "\047\047" ? "" : value
            }
            END { print "agent " (sites == "" ? "empty" : "sites") }' "$conf"
    fi
}

if [ "${1-}" = monit ]; then
    ROOT=
    monit_rules "$2"/*.conf "$2"/monitrc "$2"/conf.d/* "$2"/conf-enabled/* "$2"/monit.d/*
    echo end
    exit 0
fi

echo "host $(uname -n)"
echo "user $(id -un)"
if [ -n "${SSH_CONNECTION-}" ]; then echo "from ${SSH_CONNECTION%% *}"; fi
if readable "$ROOT/etc/kusanagi"; then
    # shellcheck disable=SC2086
    echo "kusanagi $(head -n 1 $files | tr -cd ' -~' | cut -c 1-80)"
fi
found=$(servers)
if [ -n "$found" ]; then printf '%s\n' "$found"; fi
orders "$(printf '%s\n' "$found" | sed -n 's/^server //p')"
profiles
nginx_blocks
httpd_blocks
agent
monit_rules "$ROOT"/etc/monitrc "$ROOT"/etc/monit.d/*.conf "$ROOT"/etc/monit/monitrc "$ROOT"/etc/monit/conf.d/* "$ROOT"/etc/monit/conf-enabled/*
echo end
