/// The engine: partition lifecycle, batch loop, commit protocol, restore. It knows neither C nor
/// movies.
///
/// A *stage* is one consumer group on its input topics, run by one thread (`StageLoop`). Each input
/// partition it owns is a *partition task* (`PartitionTask`) with, for a stateful stage, a *state
/// store* and a *changelog* partition of the same number. An *operator* (`StageOperator`) is the
/// stage's logic: it sees events and state, and has no clock, randomness or environment.
///
/// Invariants, in the order they are relied on:
/// 1. Within a batch, state changes wait in memory; operators read the last commit.
/// 2. Each batch ends its changelog records with one *position* record: the input offset the state
///    then stands for.
/// 3. The log's commit comes before the store's, so a store is never ahead of its changelog.
/// 4. A store's commit carries the changelog offset with the values. It is one transaction, or
/// several
///    that readers see as one and that a restore finishes.
/// 5. A task's input offsets only rise. A record below the task's position is a redelivery and is
///    dropped.
/// 6. After a restore the store stands for exactly the last position record, and consuming resumes
///    at the input offset in it.
public enum Streams {}
