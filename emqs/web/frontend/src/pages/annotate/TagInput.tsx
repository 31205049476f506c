// Tags as a line of text with commas between; spaces around them do not count.
import { useEffect, useState } from "preact/hooks";

export function parsed(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""))];
}

interface Props {
  id: string;
  tags: readonly string[];
  onChange: (tags: string[]) => void;
}

export function TagInput({ id, tags, onChange }: Props) {
  const [text, setText] = useState(tags.join(", "));
  useEffect(() => {
    if (parsed(text).join() !== tags.join()) setText(tags.join(", "));
  }, [tags.join()]);
  return (
    <input
      id={id}
      value={text}
      autocomplete="off"
      onInput={(event) => {
        setText(event.currentTarget.value);
        onChange(parsed(event.currentTarget.value));
      }}
    />
  );
}
