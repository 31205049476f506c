// Names of people, as suggestions of fields with list="people".
import { request } from "../../api/client";
import { useLoaded } from "../../ui";

export interface Person {
  id: string;
  name: string;
  display_name: string;
}

export function People() {
  const { value } = useLoaded(() => request<{ users: Person[] }>("/users", { query: { limit: 500 } }), []);
  return (
    <datalist id="people">
      {value?.users.map((user) => (
        <option key={user.id} value={user.name}>
          {user.display_name}
        </option>
      ))}
    </datalist>
  );
}
