// SPDX-License-Identifier: GPL-2.0
/* Opens ELF files through libelf and pread: header checked first, sections listed, content on
 * demand. */
#include "symbol/elf_view.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTIONS_MAX    16384
#define NAMES_BYTES_MAX (1u << 20)

int64_t elf_view__read(const struct elf_view *view, void *buf, size_t bytes, uint64_t offset)
{
	size_t done = 0;

	if (offset >= view->bytes)
		return 0;
	if (bytes > view->bytes - offset)
		bytes = view->bytes - offset;
	if (view->fd < 0) {
		memcpy(buf, (const char *)view->image + offset, bytes);
		return bytes;
	}
	while (done < bytes) {
		ssize_t n = pread(view->fd, (char *)buf + done, bytes - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += n;
	}
	return done;
}

/* libelf allocates by what the header says, so the header is looked at before libelf does. */
static int check_header(struct elf_view *view)
{
	const unsigned char order = __BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
	uint64_t section_cnt;
	Elf64_Ehdr header;
	Elf64_Shdr first;
	int64_t n;

	n = elf_view__read(view, &header, sizeof(header), 0);
	if (n < 0)
		return n;
	if (n != sizeof(header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
		header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != order ||
		(header.e_type != ET_EXEC && header.e_type != ET_DYN))
		return -ENOEXEC;
	view->machine = header.e_machine;
	section_cnt = header.e_shnum;
	if (header.e_shoff == 0)
		return 0;
	if (section_cnt == 0) {
		n = elf_view__read(view, &first, sizeof(first), header.e_shoff);
		if (n < 0)
			return n;
		if (n != sizeof(first))
			return -ENOEXEC;
		section_cnt = first.sh_size;
	}
	if (section_cnt > SECTIONS_MAX || header.e_shoff > view->bytes ||
		section_cnt * sizeof(first) > view->bytes - header.e_shoff)
		return -ENOEXEC;
	return 0;
}

static int load_names(struct elf_view *view, Elf *elf)
{
	uint64_t bytes;
	size_t index;
	int64_t n;

	if (elf_getshdrstrndx(elf, &index) != 0 || index >= view->section_cnt ||
		view->sections[index].type == SHT_NOBITS)
		return 0;
	bytes = view->sections[index].size;
	if (bytes > NAMES_BYTES_MAX)
		bytes = NAMES_BYTES_MAX;
	view->names = calloc(1, bytes + 1);
	if (!view->names)
		return -ENOMEM;
	n = elf_view__read(view, view->names, bytes, view->sections[index].offset);
	if (n < 0)
		return n;
	for (size_t i = 0; i < view->section_cnt; i++) {
		struct elf_section *section = &view->sections[i];
		size_t name = section->entry_bytes >> 32;

		/* list_sections() parks the name's offset there. */
		section->entry_bytes &= UINT32_MAX;
		if (name < bytes)
			section->name = view->names + name;
	}
	return 0;
}

static int list_sections(struct elf_view *view, Elf *elf)
{
	size_t cnt;
	Elf_Scn *scn = NULL;

	if (elf_getshdrnum(elf, &cnt) != 0 || cnt > SECTIONS_MAX)
		return -ENOEXEC;
	view->sections = calloc(cnt + 1, sizeof(*view->sections));
	if (!view->sections)
		return -ENOMEM;
	view->section_cnt = cnt;
	for (size_t i = 0; i < cnt; i++)
		view->sections[i].name = "";
	while ((scn = elf_nextscn(elf, scn))) {
		struct elf_section *section;
		GElf_Shdr header;

		if (elf_ndxscn(scn) >= cnt || !gelf_getshdr(scn, &header))
			continue;
		section = &view->sections[elf_ndxscn(scn)];
		section->type = header.sh_type;
		section->link = header.sh_link;
		section->flags = header.sh_flags;
		section->address = header.sh_addr;
		section->size = header.sh_size;
		section->offset = header.sh_offset;
		section->entry_bytes = (header.sh_entsize & UINT32_MAX) | (uint64_t)header.sh_name
										  << 32;
		if (header.sh_type == SHT_NOBITS)
			continue;
		if (header.sh_offset > view->bytes)
			section->offset = section->size = 0;
		else if (header.sh_size > view->bytes - header.sh_offset)
			section->size = view->bytes - header.sh_offset;
	}
	return load_names(view, elf);
}

static int open_view(struct elf_view *view)
{
	Elf *elf = NULL;
	int err;

	err = check_header(view);
	if (err)
		goto out;
	err = -ENOEXEC;
	if (elf_version(EV_CURRENT) == EV_NONE)
		goto out;
	/* elf_memory() only writes to what it is given when asked to. */
	elf = view->fd < 0 ? elf_memory((char *)(uintptr_t)view->image, view->bytes)
			   : elf_begin(view->fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		goto out;
	err = list_sections(view, elf);
out:
	elf_end(elf);
	if (err)
		elf_view__close(view);
	return err;
}

int elf_view__open(struct elf_view *view, int fd)
{
	struct stat st;

	*view = (struct elf_view){.fd = fd};
	if (fstat(fd, &st) != 0)
		return -errno;
	if (st.st_size <= 0)
		return -ENOEXEC;
	view->bytes = st.st_size;
	return open_view(view);
}

int elf_view__open_image(struct elf_view *view, const void *image, size_t image_bytes)
{
	*view = (struct elf_view){.fd = -1, .image = image, .bytes = image_bytes};
	return open_view(view);
}

void elf_view__close(struct elf_view *view)
{
	free(view->sections);
	free(view->names);
	*view = (struct elf_view){.fd = -1};
}

const struct elf_section *elf_view__find(const struct elf_view *view, const char *name)
{
	for (size_t i = 1; i < view->section_cnt; i++)
		if (strcmp(view->sections[i].name, name) == 0)
			return &view->sections[i];
	return NULL;
}

const struct elf_section *elf_view__code_at(const struct elf_view *view, uint64_t address)
{
	for (size_t i = 1; i < view->section_cnt; i++) {
		const struct elf_section *section = &view->sections[i];

		if (section->flags & SHF_EXECINSTR && address >= section->address &&
			address - section->address < section->size)
			return section;
	}
	return NULL;
}

int elf_view__load(const struct elf_view *view, const struct elf_section *section, size_t bytes_max,
	void **ret)
{
	char *data;
	int64_t n;

	if (section->type == SHT_NOBITS || section->flags & SHF_COMPRESSED)
		return -ENODATA;
	if (section->size > bytes_max)
		return -EFBIG;
	data = malloc(section->size + 1);
	if (!data)
		return -ENOMEM;
	n = elf_view__read(view, data, section->size, section->offset);
	if (n != (int64_t)section->size) {
		free(data);
		return n < 0 ? n : -EIO;
	}
	data[n] = '\0';
	*ret = data;
	return 0;
}

struct elf_stream *elf_stream__new(const struct elf_view *view, const struct elf_section *section,
	size_t entry_bytes, uint64_t bytes)
{
	struct elf_stream *stream = malloc(sizeof(*stream));

	if (!stream)
		return NULL;
	stream->view = view;
	stream->offset = section->offset;
	stream->left = bytes < section->size ? bytes : section->size;
	if (section->type == SHT_NOBITS)
		stream->left = 0;
	stream->entry_bytes = entry_bytes;
	stream->at = stream->len = 0;
	stream->err = 0;
	return stream;
}

const void *elf_stream__next(struct elf_stream *stream)
{
	const void *entry;

	if (stream->at == stream->len) {
		size_t want = sizeof(stream->buf) / stream->entry_bytes * stream->entry_bytes;
		int64_t n;

		if (want > stream->left)
			want = stream->left / stream->entry_bytes * stream->entry_bytes;
		n = elf_view__read(stream->view, stream->buf, want, stream->offset);
		if (n != (int64_t)want)
			stream->err = n < 0 ? n : -EIO;
		if (want == 0 || stream->err)
			return NULL;
		stream->offset += want;
		stream->left -= want;
		stream->len = want;
		stream->at = 0;
	}
	entry = stream->buf + stream->at;
	stream->at += stream->entry_bytes;
	return entry;
}
