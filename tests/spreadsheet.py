"""A spreadsheet written part by part, so that a test may break any of them."""

import io
import zipfile

NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def cell(value, place):
    if isinstance(value, (int, float)):
        return f'<c r="{place}"><v>{value}</v></c>'
    text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def sheet_xml(rows, first=1, column="A"):
    lines = [
        f'<row r="{n}">{"".join(cell(v, f"{chr(ord(column) + j)}{n}") for j, v in enumerate(row))}</row>'
        for n, row in enumerate(rows, start=first)
    ]
    return f"<worksheet {NAMESPACE}><sheetData>{''.join(lines)}</sheetData></worksheet>"


def workbook(tables, more=(), **where):
    """A spreadsheet of named sheets, as rows or as XML; ``more`` adds parts of any name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        types = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="application/vnd.openxmlformats'
            '-officedocument.spreadsheetml.worksheet+xml"/>'
            for n in range(1, len(tables) + 1)
        )
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
            f'ContentType="application/xml"/>{types}</Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r1" Type="{OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        names = "".join(
            f'<sheet name="{n}" sheetId="{i}" r:id="r{i}"/>' for i, n in enumerate(tables, start=1)
        )
        archive.writestr(
            "xl/workbook.xml", f'<workbook {NAMESPACE} xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>'
        )
        links = "".join(
            f'<Relationship Id="r{i}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, len(tables) + 1)
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{RELATIONS}">{links}</Relationships>'
        )
        for i, rows in enumerate(tables.values(), start=1):
            archive.writestr(
                f"xl/worksheets/sheet{i}.xml", rows if isinstance(rows, str) else sheet_xml(rows, **where)
            )
        for name, content in more:
            archive.writestr(name, content)
    return packed.getvalue()
