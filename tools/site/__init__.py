"""The site: documents and generated references, built by ``make site`` into build/site/html."""

# Pages that stand in the root of the project, where people look for them, by their name on the site.
BESIDE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
# Pages of the reference, which are written from the program itself.
GENERATED = tuple(f"reference/{name}.md" for name in ("command_line", "study_file", "json", "python"))
