# Sourced by .ci/run and .ci/long: runs the parts that are asked for, and counts what came of them. A part fails by its exit
# code, never by its time; one that prints nothing for HANG_S seconds hangs, and is ended. By 75, a part says in its last line why it
# can't run here.
# Wants `clone`, the repository, `cache` and `logs`, folders, and `prefix`, how the names of the logs begin.

node20=20.20.2
node24=24.22.3
runner=npm_on # FOLDER_OF_NODE ARGUMENTS...

passed=0 failed=0 skipped=0 spent=0 running='' report=()
words=("$@")
# npm test prints a line a file, which takes long on a busy machine; what hangs in it ends by itself, and explains itself, earlier.
HANG_S=1800

say() { printf '%s\n' "$*"; }
loud() { printf '\n!!! %s\n' "$*"; }

wanted() { # NAME
  ((${#words[@]} == 0)) && return 0
  local word
  for word in "${words[@]}"; do [[ $1 == *"$word"* ]] && return 0; done
  return 1
}

# in_lab NAME: wanted, of what stands in lab/, which a fork may have deleted.
in_lab() {
  wanted "$1" || return
  [[ -d $clone/lab ]] && return
  skip "$1" 'there is no lab/'
  return 1
}

# asked NAME: whether a word names it.
asked() { ((${#words[@]} > 0)) && wanted "$1"; }

# part NAME COMMAND...: runs it in a session of its own.
part() {
  local name=$1 started=$SECONDS status=0 took again
  shift
  local log="$logs/$prefix${name//[^a-zA-Z0-9]/-}.log"
  say "--- $name"
  setsid "$@" >"$log" 2>&1 &
  running=$!
  wait_while_it_prints "$running" "$log"
  wait "$running" || status=$?
  running=''
  took=$((SECONDS - started))
  spent=$((spent + took))
  if ((status == 0)); then
    passed=$((passed + 1))
    report+=("passed   $name   $took s")
    tail -n 3 "$log" | sed 's/^/    /'
    ! again=$(grep '^AGAIN' "$log") || { report+=("         $again"); loud "$again"; }
    return 0
  fi
  if ((status == 75)); then
    skip "$name" "$({ grep '^SKIPPED' "$log" || cat "$log"; } | tail -n 1)"
    return 0
  fi
  failed=$((failed + 1))
  report+=("FAILED   $name   $took s: exit $status")
  say "FAILED (exit $status), what failed and the end of ${log#"$root/"}:"
  # Of jest: each failed test with what it saw, once; jest repeats them at the end.
  grep -E -A 16 '^(FAIL|FAILED|  ●) ' "$log" | cut -c 1-300 | head -n 120 | sed 's/^/    /'
  tail -n 60 "$log" | sed 's/^/    /'
  return 1
}

wait_while_it_prints() { # LEADER LOG
  local size seen=0 printed=$SECONDS
  while kill -0 "$1" 2>/dev/null; do
    sleep 0.5
    size=$(wc -c <"$2")
    if ((size != seen)); then
      seen=$size printed=$SECONDS
    elif ((SECONDS - printed > HANG_S)); then
      { say "Nothing was printed for $HANG_S s. What runs:"; ps -s "$1" -o pid=,stat=,etime=,args=; } >>"$2"
      end_group "$1"
      return
    fi
  done
}

# What a script does when a signal ends it: the part that runs is ended too.
end_running() { [[ -z $running ]] || end_group "$running"; }

# end_group GROUP: whatever is left of it has ten seconds to end by itself.
end_group() {
  local ends=$((SECONDS + 10))
  while kill -TERM -- "-$1" 2>/dev/null && ((SECONDS < ends)); do sleep 0.2; done
  kill -KILL -- "-$1" 2>/dev/null
}

skip() { # NAME REASON
  skipped=$((skipped + 1))
  report+=("SKIPPED  $1: $2")
  loud "SKIPPED $1: $2"
}

# installed COMMAND PACKAGE: whether it is here, or Debian's package brings it.
installed() {
  command -v "$1" >/dev/null && return
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 1
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$2"; } >"$logs/$2.log" 2>&1
  command -v "$1" >/dev/null
}

# node_path MAJOR VERSION: the folder of that Node, the machine's own when it is of this major version.
node_path() {
  local system machine name
  if [[ $(node --version) == v$1.* ]]; then
    dirname "$(node --print process.execPath)"
    return
  fi
  system=$(node --print process.platform) machine=$(node --print process.arch)
  name=node-$system-$machine
  local folder=$cache/node-$2/node_modules/$name/bin
  [[ -x $folder/node ]] || npm install --silent --no-save --prefix "$cache/node-$2" "$name@$2" >&2 || return 1
  say "$folder"
}

npm_on() { # NODE_FOLDER ARGUMENTS...: npm in the clone, run by that Node.
  local folder=$1
  shift
  (cd "$clone" && PATH=$folder:$PATH && node --version && exec npm "$@")
}

# on_node MAJOR VERSION NAME ARGUMENTS...: a part that runs npm with these arguments on that Node, by `runner`.
on_node() {
  local folder name="$3 on Node $1"
  wanted "$name" || return
  if folder=$(node_path "$1" "$2"); then
    part "$name" bash -c '"$@"' - "$runner" "$folder" "${@:4}"
  else
    skip "$name" "Node $2 could not be fetched from npm"
  fi
}
export -f npm_on
