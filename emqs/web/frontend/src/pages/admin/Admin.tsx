export function Admin(_: { tab: string }) {
  return <h1>Admin</h1>;
}
