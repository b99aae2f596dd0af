# Sourced by .ci/run and .ci/long: runs the parts that are asked for, each within its budget, and counts what came of them.
# Wants `logs`, a folder, and `prefix`, how the names of the logs in it begin.

passed=0 failed=0 skipped=0 spent=0 running='' report=()
words=("$@")

say() { printf '%s\n' "$*"; }
loud() { printf '\n!!! %s\n' "$*"; }

wanted() { # NAME
  ((${#words[@]} == 0)) && return 0
  local word
  for word in "${words[@]}"; do [[ $1 == *"$word"* ]] && return 0; done
  return 1
}

# asked NAME: whether a word names it.
asked() { ((${#words[@]} > 0)) && wanted "$1"; }

# part NAME BUDGET COMMAND...: runs it within its budget of seconds; beyond it, all of its process group is ended.
part() {
  local name=$1 budget=$2 started=$SECONDS status=0 took group
  shift 2
  local log="$logs/$prefix${name//[^a-zA-Z0-9]/-}.log"
  say "--- $name (budget $budget s)"
  timeout --kill-after=30 "$budget" "$@" >"$log" 2>&1 &
  group=$! # timeout makes a process group of its own, and waits for its leader alone.
  running=$group
  wait "$group" || status=$?
  running=''
  took=$((SECONDS - started))
  spent=$((spent + took))
  if ((status == 0)); then
    passed=$((passed + 1))
    report+=("passed   $name   $took of $budget s")
    tail -n 3 "$log" | sed 's/^/    /'
    return 0
  fi
  failed=$((failed + 1))
  local why="exit $status"
  if ((status == 124 || status == 137)); then
    why='over its budget'
    end_group "$group"
  fi
  report+=("FAILED   $name   $took of $budget s: $why")
  say "FAILED ($why), what failed and the end of ${log#"$root/"}:"
  grep -E '^(FAIL|FAILED|  ●) ' "$log" | head -n 40 | sed 's/^/    /'
  tail -n 60 "$log" | sed 's/^/    /'
  return 1
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
