# shellcheck shell=bash
# Starts and stops what the end-to-end tests run on. To be sourced. Everything listens on loopback
# and is gone after `stop_all`.

# Set by whoever uses this: the program, and a directory for files.
binary=
work=
# This directory.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# It keeps about 5 MiB of each.
embedded_partitions=16

bootstrap=
redis_port=
daemon_pid=
kafka_pid=
redis_pid=
pids=()

# A loopback port that nothing listens on.
free_port() {
  local port
  while true; do
    port=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  printf '%s\n' "$port"
}

# Runs a command again and again until it succeeds: wait_until SECONDS COMMAND...
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || {
      printf 'not in time: %s\n' "$*"
      return 1
    }
    sleep 0.1
  done
}

# Ends a child with a signal and waits until it is gone: stop_process PID [SIGNAL]
stop_process() {
  kill -"${2-TERM}" "$1" 2>/dev/null
  # The shell's own word about a killed child is no news.
  wait "$1" 2>/dev/null
  forget_process "$1"
}

# The child has been waited for: its number may soon be another's.
forget_process() {
  local pid kept=()
  for pid in ${pids[@]+"${pids[@]}"}; do [[ $pid == "$1" ]] || kept+=("$pid"); done
  pids=(${kept[@]+"${kept[@]}"})
}

# Ends every child, the last one started first: it depends on those before it.
stop_all() {
  while ((${#pids[@]})); do stop_process "${pids[-1]}"; done
}

start_redis() {
  redis_port=${redis_port:-$(free_port)}
  redis-server --port "$redis_port" --bind 127.0.0.1 --dir "$work" --save '' --appendonly no \
    >"$work/redis.log" 2>&1 &
  redis_pid=$!
  pids+=("$redis_pid")
  wait_until 20 redis-cli -p "$redis_port" ping
}

start_embedded_broker() {
  "$binary" broker --partitions "$embedded_partitions" --address-file "$work/broker-address" >"$work/broker.log" 2>&1 &
  pids+=("$!")
  wait_until 20 test -s "$work/broker-address" || return 1
  bootstrap=$(<"$work/broker-address")
}

# A single Apache Kafka node in KRaft mode: start_kafka HOME. Started again, it keeps its data.
start_kafka() {
  local home=$1 port controller
  export KAFKA_HEAP_OPTS='-Xms256m -Xmx512m' LOG_DIR=$work/kafka-logs KAFKA_GC_LOG_OPTS=' '
  if [[ ! -e $work/server.properties ]]; then
    port=$(free_port)
    controller=$(free_port)
    bootstrap=127.0.0.1:$port
    cat >"$work/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://$bootstrap,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://$bootstrap
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$work/kafka-data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
PROPERTIES
    "$home/bin/kafka-storage.sh" format -t "$("$home/bin/kafka-storage.sh" random-uuid)" \
      -c "$work/server.properties" >>"$work/kafka.log" 2>&1 || return 1
  fi
  "$home/bin/kafka-server-start.sh" "$work/server.properties" >>"$work/kafka.log" 2>&1 &
  kafka_pid=$!
  pids+=("$kafka_pid")
  wait_until 90 kcat -L -m 2 -b "$bootstrap"
}

# Writes the daemon's configuration: configure [LINE...]
configure() {
  cat >"$work/projectionist.yaml" <<YAML
state.directory: $work/state
kafka.bootstrap.servers: $bootstrap
redis.port: $redis_port
log.format: text
YAML
  printf '%s\n' "$@" >>"$work/projectionist.yaml"
}

start_daemon() {
  "$binary" run --config "$work/projectionist.yaml" >>"$work/daemon.log" 2>&1 &
  daemon_pid=$!
  pids+=("$daemon_pid")
}

# Whether the daemon started last has all its partitions. Its events tell; a dead one serves none.
daemon_is_ready() {
  kill -0 "$daemon_pid" &&
    python3 "$here/under_fire/events.py" is-ready "$work/state/projectionist/events.sock"
}
