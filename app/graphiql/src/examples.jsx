// The toolbar's menu of examples: the way back to them once the browser has kept the visitor's own tabs.
import { ToolbarButton, ToolbarMenu, useGraphiQL, useGraphiQLActions } from "@graphiql/react";

export function ExamplesMenu({ examples }) {
  const { addTab } = useGraphiQLActions();
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({ queryEditor, variableEditor }));

  function open({ query, variables }) {
    addTab();
    queryEditor.setValue(query);
    variableEditor.setValue(variables ?? "");
  }

  return (
    <ToolbarMenu button={<ToolbarButton label="Open an example">e.g.</ToolbarButton>}>
      {examples.map((example) => (
        <ToolbarMenu.Item key={example.title} onSelect={() => open(example)}>
          {example.title}
        </ToolbarMenu.Item>
      ))}
    </ToolbarMenu>
  );
}
