export async function serveStream(_call: unknown): Promise<void> {}
