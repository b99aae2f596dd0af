/** Runs `once` again and again for some seconds, in parallel lanes. Gives the number of runs. */
export async function inLanes({ lanes, seconds }, once) {
  const endsAt = performance.now() + seconds * 1_000;
  let runs = 0;
  const lane = async (index) => {
    while (performance.now() < endsAt) {
      await once(index);
      runs += 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)));
  return runs;
}
